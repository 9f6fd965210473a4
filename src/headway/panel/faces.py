"""The faces of a run: what decides that it shows which, its icon and its colours. Their sentences are templates.

The browser chooses by the same table, which the page carries (`data-when`); so the choice is written once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .values import is_growing

Signs = Mapping[str, str | bool]


@dataclass(frozen=True)
class Face:
    """One look of the panel. Its words stand in the template headway/faces/NAME.html."""

    name: str
    when: Mapping[str, list[str | bool]] = field(default_factory=dict)
    """What a run must show for this face: each of these signs with one of the values."""
    icon: str = ""
    """Its symbol in icons.svg; the face's name, unless given."""
    tone: str = "rest"
    """The colour of icon and word: rest, work, good, warn, bad."""
    bar: str = "work"
    """The bar's colour: work, rest, good, bad, or two side by side: both (good and bad), few-bad (rest and bad)."""
    needs_person: bool = False
    """Whether nothing goes on until a person does something."""
    chosen_by_browser: bool = False
    """Whether it says something about the page itself, and not about the run."""

    @property
    def symbol(self) -> str:
        """The icon's name in icons.svg."""
        return self.icon or self.name

    @property
    def when_json(self) -> str:
        """The condition, for the page."""
        return json.dumps(dict(self.when))

    def fits(self, shown: Signs) -> bool:
        """Whether a run with these signs shows this face."""
        return all(shown[sign] in accepted for sign, accepted in self.when.items())


FACES = (
    Face("succeeded", {"state": ["succeeded"]}, tone="good", bar="good"),
    Face("partial", {"state": ["partial"]}, tone="warn", bar="both"),
    Face("all-failed", {"state": ["failed"], "reason": ["every-item-failed"]},
         icon="failed", tone="bad", bar="bad", needs_person=True),
    Face("none-succeeded", {"state": ["failed"], "reason": ["nothing-succeeded"]},
         icon="failed", tone="bad", bar="few-bad", needs_person=True),
    Face("failed", {"state": ["failed"]}, tone="bad", bar="bad", needs_person=True),
    Face("cancelled", {"state": ["cancelled"]}, bar="rest"),
    Face("ended", {"done": [True]}, icon="cancelled", bar="rest"),  # a state that this version doesn't know
    Face("cancelling", {"state": ["cancelling"]}, bar="rest"),
    Face("pausing", {"state": ["pausing"]}),
    Face("unattended", {"state": ["running"], "reason": ["no-worker"]}, icon="stalled", tone="warn", bar="rest"),
    Face("stalled", {"stalled": [True]}, tone="warn", bar="rest"),
    Face("paused", {"state": ["paused"], "reason": ["paused"]}, bar="rest"),
    Face("limited", {"state": ["paused"], "reason": ["failure-limit"]},
         icon="paused", tone="warn", bar="rest", needs_person=True),
    Face("held", {"state": ["paused"]}, icon="paused", tone="warn", bar="rest", needs_person=True),
    Face("no-worker", {"state": ["queued"], "reason": ["no-worker"]}, icon="queued"),
    Face("queued", {"state": ["queued"]}),
    Face("waiting", {"waiting": [True]}, bar="rest"),
    Face("in-line", {"state": ["running"], "reason": ["hold"]}, icon="waiting", bar="rest"),
    Face("finishing", {"state": ["running"], "finishing": [True]}, icon="running", tone="work"),
    Face("step", {"state": ["running"], "stepping": [True]}, icon="running", tone="work"),
    Face("counting", {"state": ["running"], "counting": [True]}, icon="running", tone="work"),
    Face("growing", {"state": ["running"], "growing": [True]}, icon="running", tone="work"),
    Face("retrying", {"state": ["running"], "retrying": [True]}, icon="running", tone="work"),
    Face("running", {"state": ["running"]}, tone="work"),
    Face("going-on", icon="running", tone="work"),  # a state that this version doesn't know
    Face("lost", tone="warn", chosen_by_browser=True),
    Face("signed-out", icon="lost", tone="warn", bar="rest", chosen_by_browser=True),
    Face("gone", icon="cancelled", bar="rest", chosen_by_browser=True),
)  # fmt: skip


def signs(run: Mapping[str, Any]) -> Signs:
    """What of a snapshot decides about its face. `signs` in values.js says the same."""
    return {
        "state": run["state"],
        "done": run["done"],
        "stalled": run["stalled"],
        "reason": run["reason"]["code"] if run["reason"] else "",
        "finishing": run["progress"]["finishing"],
        "stepping": bool(run["progress"]["step"] and run["progress"]["step"]["under_way"]),
        "counting": run["progress"]["total"] is None,
        "growing": is_growing(run["progress"]),
        "retrying": run["progress"]["retrying"] > 0,
        "waiting": run["waiting_until"] is not None,
    }


def face_of(run: Mapping[str, Any]) -> Face:
    """The first face that fits the snapshot."""
    shown = signs(run)
    return next(face for face in FACES if face.fits(shown) and not face.chosen_by_browser)
