"""A page with a panel for each face, as the server renders it; no run stands behind them."""

from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid5

from django.template import Context, Template

from headway import panel
from headway.panel.faces import FACES, face_of

__all__ = ["CSP", "FACED", "NEXT", "STEP", "STEPS", "faced", "gallery", "page_of"]

CSP = {"Content-Security-Policy": "default-src 'self'"}
ID = UUID("0198f3c2-0000-4000-8000-000000000000")
PAGE = Template(
    "{% extends 'headway/base.html' %}{% load headway %}{% block content %}<h1 class='hw-title'>The panel</h1>"
    "<div class='hw-stack'>{% for run in shown %}{% headway_run run reloads=1 %}{% endfor %}</div>{% endblock %}"
)
RUN: dict[str, Any] = {
    "operation": "airports.import_airports",
    "title": "Import airports",
    "state": "running",
    "done": False,
    "progress": {
        "total": 28298, "total_exact": True, "processed": 12480, "succeeded": 11357, "failed": 1123, "skipped": 0,
        "retrying": 0, "percent": 44.1, "rate": 410.5, "eta_seconds": 39, "finishing": False,
        "step": None,
    },
    "message": "",
    "reason": None,
    "stalled": False,
    "resumes": 0,
    "params": {"file": {"name": "airports.csv", "size": 3_100_000}},
    "result": None,
    "failure_summary": [],
    "waiting_until": None, "paused_seconds": 0,
    "finished_at": None,
    "actions": [],
    "dry_run": False,
    "retry_of": None,
    "retried_by": None,
    "revision": 57,
    "links": {"failures": "/api/failures.csv"},  # no others, so that nothing is watched
}  # fmt: skip
NEVER = {"total": None, "processed": 0, "succeeded": 0, "failed": 0, "percent": None, "rate": None, "eta_seconds": None}
ALL = {"processed": 28298, "succeeded": 28298, "failed": 0, "percent": 100.0, "rate": None, "eta_seconds": None}
GIVES = {"failures": "/api/failures.csv", "file": "/api/file.csv", "results": "/api/results.csv"}
REST = {"rate": None, "eta_seconds": None}

STEP = {
    "name": "convert", "title": "Convert", "number": 2, "of": 3, "under_way": True, "done": 1234, "total": 5000,
    "percent": 24.6, "eta_seconds": 95,
}  # fmt: skip
STEPS = REST | {"total": 3, "processed": 1, "succeeded": 1, "failed": 0, "percent": 33.3}
NEXT = {"done": None, "total": None, "percent": None, "eta_seconds": None, "under_way": False}

# What differs from RUN, by face; `progress` is merged.
DIFFERS: dict[str, dict[str, Any]] = {
    "running": {"message": "Reading row 12481", "actions": ["pause", "cancel"]},
    "step": {"progress": STEPS | {"step": STEP}, "actions": ["pause", "cancel"]},
    "counting": {"progress": {"total": None, "percent": None, "eta_seconds": None}, "actions": ["pause", "cancel"]},
    "finishing": {
        "progress": {"processed": 28298, "percent": 99.9, "eta_seconds": None, "finishing": True},
        "actions": ["pause", "cancel"],
    },
    "unattended": {
        "stalled": True, "actions": ["pause", "cancel"], "progress": REST,
        "reason": {"code": "no-worker", "text": "It goes on by itself as soon as a worker is there."},
    },
    "growing": {
        "progress": {"percent": None, "total_exact": False, "eta_seconds": None}, "actions": ["pause", "cancel"],
    },
    "retrying": {"progress": {"retrying": 216}, "actions": ["pause", "cancel"]},
    "queued": {"state": "queued", "started_at": None, "progress": NEVER, "actions": ["cancel"]},
    "no-worker": {
        "state": "queued", "started_at": None, "progress": NEVER, "actions": ["cancel"],
        "reason": {"code": "no-worker", "text": "It starts by itself as soon as a worker is there."},
    },
    "waiting": {
        "waiting_until": "2026-11-23T16:12:30Z", "actions": ["pause", "cancel"], "progress": REST,
        "reason": {"code": "waiting", "text": "50 attempts in a row have failed, so what it calls seems to be down."},
    },
    "in-line": {
        "actions": ["pause", "cancel"], "progress": REST,
        "reason": {
            "code": "hold", "text": "Another run comes first for “stock”. It goes on by itself after that one."
        },
    },
    "stalled": {"stalled": True, "resumes": 1, "actions": ["pause", "cancel"], "progress": REST},
    "pausing": {"state": "pausing", "actions": ["resume", "cancel"]},
    "paused": {
        "state": "paused", "actions": ["resume", "cancel"], "progress": REST,
        "reason": {"code": "paused", "text": "Paused by demo."},
    },
    "limited": {
        "state": "paused", "actions": ["resume", "cancel"], "progress": REST,
        "reason": {"code": "failure-limit", "text": "1,123 of 12,480 items failed, more than it may. "
                   "Mend the cause, then resume: what failed is tried again."},
    },
    "held": {
        "state": "paused", "actions": ["resume", "cancel"], "progress": REST,
        "reason": {"code": "operation-error", "text": "items() must return a source. Mend it, then resume."},
    },
    "cancelling": {"state": "cancelling", "progress": REST},
    "succeeded": {
        "state": "succeeded", "done": True, "progress": ALL, "result": {"countries": 241, "newest": "ZZZZ"},
        "links": GIVES,
    },
    "partial": {
        "state": "partial", "done": True, "actions": ["retry"], "links": GIVES,
        "progress": ALL | {"succeeded": 23740, "failed": 4558},
    },
    "failed": {
        "state": "failed", "done": True, "actions": ["retry"], "progress": REST,
        "reason": {"code": "stopped", "text": "The file breaks off in the middle of row 12,481."},
    },
    "all-failed": {
        "state": "failed", "done": True, "actions": ["retry"], "progress": ALL | {"succeeded": 0, "failed": 28298},
        "reason": {"code": "every-item-failed", "text": "Every item failed."},
    },
    "none-succeeded": {
        "state": "failed", "done": True, "actions": ["retry"],
        "progress": ALL | {"succeeded": 0, "failed": 1, "skipped": 28297},
        "reason": {"code": "nothing-succeeded", "text": "Nothing succeeded: 1 failed, and 28,297 were skipped."},
    },
    "cancelled": {
        "state": "cancelled", "done": True, "actions": ["retry"], "progress": REST, "links": GIVES,
        "reason": {"code": "cancelled", "text": "Cancelled by demo."},
    },
    "ended": {"state": "evaporated", "done": True, "progress": REST},
    "going-on": {"state": "defrosting", "actions": ["pause"]},
}  # fmt: skip
FACED = tuple(DIFFERS)
assert set(FACED) == {face.name for face in FACES if not face.chosen_by_browser}


def faced(name: str, at: str = "2026-11-23T16:08", **more: Any) -> dict[str, Any]:
    """A snapshot that shows this face; times are within the minute `at`."""
    differs = DIFFERS[name] | more
    done = differs.get("done", False)
    times = {"created_at": f"{at}:12Z", "started_at": f"{at}:13Z", "updated_at": f"{at}:44Z"}
    run = RUN | times | differs | {"finished_at": f"{at}:44Z" if done else None}
    run["id"] = str(uuid5(ID, differs.get("id", name)))  # of another run with this face, where `more` has one
    run["progress"] = RUN["progress"] | differs.get("progress", {})
    assert face_of(run).name == name
    return run


def shown(run: dict[str, Any]) -> panel.Shown:
    """As its owner sees it."""
    return panel.Shown(run, "started by you", ["airports.csv"], can_steer=True, is_staff=True)


def page_of(*found: dict[str, Any]) -> str:
    """A page with these panels."""
    viewer = SimpleNamespace(is_staff=True)
    return PAGE.render(Context({"shown": [shown(run) for run in found], "csrf_token": "token", "user": viewer}))


def gallery() -> str:
    """All faces on one page."""
    return page_of(*map(faced, FACED))
