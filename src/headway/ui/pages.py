"""The pages that show: what may be started and what was, and one run."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache

from headway import panel, runs
from headway.addresses import of_api
from headway.errors import RunNotFound
from headway.models import Run
from headway.panel import words
from headway.runs.pages import behind, cursor_of
from headway.states import State
from headway.store.parts.flights import IN_DOUBT, SAID
from headway.store.parts.output import lines_of

from .failures import failures_of, reasons_of
from .planned import planned
from .signed_in import SignedInView

REFRESH_SECONDS = 3  # of a page that no script keeps up to date
LARGEST_ID = 2**63 - 1


@method_decorator(never_cache, name="dispatch")
class HomePage(SignedInView):
    """What may be started, and one's own runs."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """`?after=CURSOR` for older runs."""
        history = history_of(request.user, after=request.GET.get("after"))
        context = {
            "operations": planned(runs.startable_by(request.user), request.user),
            "history": history,
            **refreshing(any(not shown.run["done"] for shown in history["runs"])),
        }
        return render(request, "headway/home.html", context)


@method_decorator(never_cache, name="dispatch")
class RunPage(SignedInView):
    """One run: its panel, and what failed."""

    def get(self, request: HttpRequest, run_id: UUID) -> HttpResponse:
        """`?code=` and `?after=` move through the failures; `?confirm=` asks before it cancels ("cancel"), or
        settles all that is in doubt ("went-out", "not-sent")."""
        run = run_or_404(run_id, request.user)
        shown = panel.show(run, request.user)
        code, after = code_of(shown.run, request.GET.get("code", "")), as_number(request.GET.get("after", ""))
        confirm, doubtful = request.GET.get("confirm"), in_doubt(shown)
        confirming = confirm == "cancel" and "cancel" in shown.run["actions"] and shown.can_steer
        settling = confirm if confirm in SAID else None
        context = {
            "shown": shown,
            "log": log_of(run_id),
            "cause": run.reason_detail if shown.is_staff and run.reason_code else "",
            "reasons": reasons_of(shown.run),
            "in_doubt": doubtful,
            "settling": settling,
            "failures": failures_of(run_id, code=code, after=after) if shown.run["progress"]["failed"] else None,
            "confirming": confirming,
            "found": too_late(shown) if settling and not doubtful else request.GET.get("found", ""),
            **refreshing(not shown.run["done"] and not confirming and not settling),
        }
        return render(request, "headway/run.html", context)


def history_of(user: Any, *, after: str | None = None, limit: int = 20) -> dict[str, Any]:
    """A page of the runs that `user` started, behind this cursor; the first page for a cursor that is none.

    `runs`: the newest first; `next`: what the next page comes after ("": this is the last); `events` and `polled`: the
    stream of all the person's runs, and the same to be asked now and then ("" where the API isn't mounted).
    """
    mine = Run.objects.filter(started_by=user.pk).select_related("started_by")
    try:
        rows = behind(mine, after)
    except ValueError:
        rows, after = behind(mine, None), None
    found = list(rows[: limit + 1])
    last = found[limit - 1] if len(found) > limit else None
    return {
        "runs": panel.show_all(found[:limit], user),
        "next": cursor_of(last.created_at, last.pk) if last else "",
        "is_first": after is None,
        "events": of_api("events"),
        "polled": of_api("runs"),
    }


def log_of(run_id: UUID) -> list[tuple[str, str, str]]:
    """(moment in RFC 3339, the same as people read it, text) of each line."""
    now = datetime.now(UTC)
    return [(line.at.isoformat(), words.moment(line.at, now, exact=True), line.text) for line in lines_of(run_id)]


def refreshing(wanted: bool) -> dict[str, Any]:
    """What refreshing.html asks."""
    return {"refresh": REFRESH_SECONDS if wanted else None, "has_api": bool(of_api("runs"))}


def in_doubt(shown: panel.Shown) -> int:
    """How many items this person can settle now."""
    run = shown.run
    rests = run["done"] or run["state"] == State.PAUSED
    return listed_in_doubt(run) if shown.can_steer and rests and not run["retried_by"] else 0


def too_late(shown: panel.Shown) -> str:
    """What to say to a person who wants to settle what is in doubt, and can't now."""
    return "too-late" if listed_in_doubt(shown.run) else "settled"


def listed_in_doubt(run: Mapping[str, Any]) -> int:
    return sum(entry["count"] for entry in run["failure_summary"] if entry["code"] == IN_DOUBT)


def run_or_404(run_id: UUID, user: Any) -> Run:
    """The run, if `user` may see it."""
    try:
        return runs.get(run_id, user=user)
    except RunNotFound as error:
        raise Http404(str(error)) from error


def code_of(run: Mapping[str, Any], wanted: str) -> str:
    """The code, if items of this run failed with it."""
    return wanted if any(entry["code"] == wanted for entry in run["failure_summary"]) else ""


def as_number(text: str) -> int:
    """A whole number that the database can compare with; 0 for anything else."""
    return min(int(text), LARGEST_ID) if text.isascii() and text.isdigit() and len(text) < 20 else 0
