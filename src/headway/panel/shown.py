"""A run with all that its panel shows beside the snapshot: who started it, with what, and who may steer it."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django import forms
from django.conf import settings
from django.template.defaultfilters import truncatechars
from django.template.loader import get_template
from django.utils import translation
from django.utils.functional import cached_property
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from headway import runs
from headway.addresses import of_api, of_page
from headway.conf import conf
from headway.engines import chosen
from headway.models import Run
from headway.operations import registry, schema
from headway.runs.access import is_staff
from headway.snapshots import snapshot, snapshots, step_titles

from . import words
from .faces import FACES, Face, face_of
from .markup import ACTIONS, bar_of, empty, filled, forbidden
from .values import is_file, values

MOST_GIVEN = 3  # parameters; more would hide what matters
LONGEST_GIVEN = 80


@dataclass(frozen=True)
class Shown:
    """A run as one person sees it. Templates render it; nothing here or there queries any more."""

    run: Mapping[str, Any]
    """Its snapshot."""
    started_by: str
    given: list[str]
    can_steer: bool
    is_staff: bool
    is_own: bool = False
    """Whether this person started it, so that their stream of runs speaks of it."""

    @cached_property
    def face(self) -> Face:
        """The face it shows."""
        return face_of(self.run)

    @property
    def failed(self) -> str:
        """How many items failed, in words."""
        return words.number(self.run["progress"]["failed"])

    def render(self, layout: str, csrf_token: str = "", own_page: str = "", **more: Any) -> SafeString:
        """Its face in a layout: headway/panel.html or headway/row.html. Raises ValueError for an `own_page` that can't
        be this run's alone."""
        if own_page and self.run["id"] not in own_page:
            raise ValueError(f"page is {own_page!r}; give this run's own address, with its id {self.run['id']} in it.")
        now, places = datetime.now(UTC), hrefs(self.run, own_page)
        by_form = bool(places["page"])  # the API takes no forms: without the pages, the script shows the buttons
        context = {
            **surroundings(self.is_staff),
            **filled(values(self.run, now), self.run),
            "layout": layout,
            "id": self.run["id"],
            "short_id": self.run["id"][:8],
            "json": json.dumps(self.run),
            "steps_json": json.dumps(titles) if (titles := step_titles(self.run["operation"])) else "",
            "now": now.isoformat(),
            "lang": translation.get_language(),
            "face": self.face,
            "bar": bar_of(self.face, self.run),
            "started_by": self.started_by,
            "given": self.given,
            "can_steer": self.can_steer and (by_form or "self" in self.run["links"]),
            "forbid": forbidden(self.run["actions"], self.can_steer and by_form),
            "hrefs": places,
            "own_page": own_page,
            "events": of_api("events") if self.is_own else "",
            "csrf_token": csrf_token,
            **more,
        }
        return rendered(self.face, context)


def show(run: Run, user: Any = None) -> Shown:
    """The run as `user` sees it now. Reads its snapshot; whether they may see it is asked before."""
    return shown(run, snapshot(run.pk), user)


def show_all(found: Iterable[Run], user: Any = None) -> list[Shown]:
    """Many runs, with as many statements as one."""
    by_id = {run.pk: run for run in found}
    return [shown(by_id[run_id], there, user) for run_id, there in snapshots(by_id).items()]


def faces_for_browser(*, is_staff: bool) -> SafeString:
    """All faces with empty places, for the browser."""
    render = rendered_faces.__wrapped__ if settings.DEBUG else rendered_faces  # so that edited sentences are seen
    return render(translation.get_language(), tuple(surroundings(is_staff).items()))


@lru_cache(maxsize=100)  # languages, times two; the same for all people and all runs
def rendered_faces(language: str | None, names: tuple[tuple[str, Any], ...]) -> SafeString:
    context = {**dict(names), **empty(), "layout": "headway/face.html", "hrefs": {"page": "?"}}
    return SafeString("".join(rendered(face, {**context, "face": face}) for face in FACES))


def hrefs(run: Mapping[str, Any], own_page: str) -> dict[str, str]:
    """Where its links and buttons lead; "" where that isn't mounted."""
    run_id, links = run["id"], run["links"]
    page = of_page("run", run_id)
    pages = own_page or page  # with another run's id in it, that run's
    others = {"retried": run["retried_by"], "retries": run["retry_of"]}
    return {
        **{name: of_page(name, run_id) for name in ACTIONS},
        "page": page,
        **{name: pages.replace(run_id, other) if other else "" for name, other in others.items()},
        **{name: links.get(name, "") for name in ("failures", "file", "results")},
        "list": f"{page}#failures" if page else links.get("failures", ""),
        "again": of_page("start", run["operation"]),
    }


def surroundings(is_staff: bool) -> dict[str, Any]:
    """What the sentences name that isn't the run."""
    return {
        "home": of_page("home"),
        "takeover": words.duration(conf().lease_seconds + 1),
        "staff": is_staff,
        "engine": chosen(),
    }


def shown(run: Run, snapshot: Mapping[str, Any], user: Any) -> Shown:
    return Shown(
        run=snapshot,
        started_by=starter(run, user),
        given=parameters(run.operation, snapshot["params"]),
        can_steer=runs.may_steer(run, user),
        is_staff=is_staff(user),
        is_own=is_own(run, user),
    )


def parameters(operation: str, given: Mapping[str, Any]) -> list[str]:
    """A few words for each of the parameters (as a snapshot has them) that say something: files by their own names."""
    declared = registry.find(operation)
    fields = schema.fields_of(declared.form if declared else None)
    said = [text for name, value in given.items() if (text := parameter(fields.get(name), name, value))]
    return [truncatechars(text, LONGEST_GIVEN) for text in said[:MOST_GIVEN]]


def parameter(field: forms.Field | None, name: str, value: Any) -> str:
    if value in (None, "", [], False) or (field is not None and value == field.initial):
        return ""
    if is_file(value):
        return str(value["name"])
    if not isinstance(value, str | int | float):
        return ""
    label = str(field.label) if field is not None and field.label else name.replace("_", " ")
    text = words.number(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)
    return label if value is True else f"{label}: {text}"


def is_own(run: Run, user: Any) -> bool:
    return user is not None and run.started_by_id == user.pk


def starter(run: Run, user: Any) -> str:
    """Who started it, and when, as far as it is known."""
    if is_own(run, user):
        return gettext("started by you")
    if run.started_by is not None:
        return gettext("started by %(name)s") % {"name": run.started_by.get_username()}
    return gettext("started by the project itself")


def rendered(face: Face, context: dict[str, Any]) -> SafeString:
    return SafeString(get_template(f"headway/faces/{face.name}.html").render(context))
