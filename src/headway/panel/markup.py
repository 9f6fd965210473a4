"""What the panel's templates are filled with: each figure in an element that the browser can find again."""

from collections.abc import Mapping
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from .faces import Face
from .values import MOMENTS, NAMES, Values, is_growing, step_under_way

HIDDEN, SHOWN = mark_safe(" hidden"), mark_safe("")
TWO = ("both", "few-bad")
ACTIONS = ("pause", "resume", "cancel", "retry")


def bar_of(face: Face, run: Mapping[str, Any]) -> dict[str, Any]:
    """The bar of this snapshot: its widths in percent of its own, and what it is to a screen reader.

    `open`: the total is unknown, so the bar can only show that it moves. `bar` in panel.js says the same.
    """
    progress, done = run["progress"], run["done"]
    step = step_under_way(run)
    share = step["percent"] if step else progress["percent"]
    main, bad = share or 0.0, 0.0
    if face.bar in TWO:
        bad = min(99.5, max(0.5, progress["failed"] * 100 / progress["processed"]))  # each is to be seen
        main = 100 - bad - 0.3  # a hair's breadth between the two
    return {
        "now": f"{share:g}" if step and share is not None else progress["processed"],
        "most": (None if share is None else 100) if step else None if is_growing(progress) else progress["total"],
        "done": done,
        "main": width(main),
        "bad_at": width(100 - bad),
        "bad": width(bad),
        "open": share is None and face.bar == "work" and run["state"] != "queued",
        "role": "img" if done else "progressbar",  # what has ended is no progress any more
        "said_by": "aria-label" if done else "aria-valuetext",
    }


def width(percent: float) -> str:
    """A length in SVG, which knows no decimal comma."""
    return f"{percent:.1f}%"


def filled(values: Values, run: Mapping[str, Any]) -> dict[str, Any]:
    """The figures of this snapshot."""
    marked = {name: mark(name, text, run.get(MOMENTS.get(name, ""))) for name, text in values.items()}
    return {
        **marked,
        "look": {name: look(name, run["progress"][name]) for name in ("succeeded", "failed", "skipped")},
        "hide": {name: SHOWN if text else HIDDEN for name, text in values.items()},
        "unless": {name: HIDDEN if text else SHOWN for name, text in values.items()},
    }


def empty() -> dict[str, Any]:
    """The same elements without anything in them, for the browser to fill."""
    return {
        **{name: mark(name, "", None) for name in NAMES},
        "hide": dict.fromkeys(NAMES, HIDDEN),
        "unless": dict.fromkeys(NAMES, HIDDEN),
        "forbid": forbidden([], can_steer=False),
    }


def forbidden(actions: list[str], can_steer: bool) -> dict[str, SafeString]:
    """Which buttons are not to be seen."""
    allowed = {*actions, "pressed"} if can_steer else set()
    return {name: SHOWN if name in allowed else HIDDEN for name in (*ACTIONS, "pressed")}


def look(name: str, count: int) -> str:
    """The class of one of the counts."""
    return "hw-zero" if not count else "hw-some-failed" if name == "failed" else ""


def mark(name: str, text: str, moment: str | None) -> SafeString:
    if name in MOMENTS:
        return format_html('<time data-value="{}" datetime="{}">{}</time>', name, moment or "", text)
    return format_html('<span data-value="{}">{}</span>', name, text)
