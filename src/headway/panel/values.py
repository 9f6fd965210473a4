"""The figures of a snapshot by the names that the faces' templates use. values.js makes the same in the browser."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils.dateparse import parse_datetime

from headway.operations.outcomes import is_number
from headway.store.parts.flights import IN_DOUBT, WENT_OUT

from . import words

Values = Mapping[str, str]
"""Text by name; "" where there is nothing to say."""

MOMENTS = {
    "created": "created_at",
    "created_exact": "created_at",
    "started": "started_at",
    "updated": "updated_at",
    "updated_exact": "updated_at",
    "finished": "finished_at",
    "finished_exact": "finished_at",
    "until": "waiting_until",
}
"""Those that are moments, and where the snapshot has them."""
EXACT = {"created_exact", "updated_exact", "finished_exact", "until"}

SLOW = 0.5  # items a second; below it, how long one takes says more
SHARES = {"succeeded_share": "succeeded", "failed_share": "failed", "skipped_share": "skipped"}
COUNTS = ("processed", "total", "succeeded", "failed", "skipped", "retrying")
NAMES = (
    *COUNTS, *MOMENTS, "alone", "as_of", "at_least", "at_work", "doubtful", "dry", "eta", "every", "failed_share",
    "failures", "left", "message", "nothing", "others", "own_file", "percent", "queued_for", "reached", "reason",
    "resting_for", "result", "resumes", "retried", "retries", "retry_in", "retryable", "running_for", "silent",
    "silent_for", "single", "skipped_share", "skips", "speed", "state", "step", "step_done", "step_eta",
    "step_number", "step_percent", "step_total", "steps", "succeeded_share", "successes", "title", "to_retry", "took",
    "until_clock", "until_in", "upload", "went_out",
)  # fmt: skip


def values(run: Mapping[str, Any], now: datetime) -> Values:
    """Each of NAMES; those that only the browser knows are empty."""
    return dict.fromkeys(NAMES, "") | texts(run) | counts(run) | steps(run) | times(run, now)


def texts(run: Mapping[str, Any]) -> dict[str, str]:
    return {
        "title": run["title"],
        "state": run["state"],
        "message": run["message"],
        "reason": run["reason"]["text"] if run["reason"] else "",
        "result": shown(run["result"]),
        "resumes": words.number(run["resumes"]) if run["resumes"] else "",
        "dry": run["state"] if run["dry_run"] else "",
        "retried": run["retried_by"][:8] if run["retried_by"] else "",
        "retries": run["retry_of"][:8] if run["retry_of"] else "",
        "own_file": run["state"] if run["retry_of"] and run["links"].get("file") else "",
        "silent": run["state"] if run["stalled"] else "",
        "retryable": run["state"] if "retry" in run["actions"] else "",
        "upload": run["state"] if any(map(is_file, run["params"].values())) else "",
    }


def is_file(given: Any) -> bool:
    """Whether a parameter, as a snapshot has it, is a file that was uploaded."""
    return isinstance(given, dict) and set(given) == {"name", "size"}


def counts(run: Mapping[str, Any]) -> dict[str, str]:
    progress, codes = run["progress"], {entry["code"]: entry["count"] for entry in run["failure_summary"]}
    doubtful, went_out = codes.get(IN_DOUBT, 0), codes.get(WENT_OUT, 0)
    to_retry = progress["failed"] - doubtful - went_out  # a retry leaves those two alone
    total, processed = progress["total"], progress["processed"]
    found = {name: words.number(progress[name]) for name in COUNTS if progress[name] is not None}
    found["failures"] = found["failed"] if progress["failed"] else ""
    told = {"doubtful": doubtful, "went_out": went_out, "to_retry": to_retry}
    found |= {name: words.number(count) for name, count in told.items() if count}
    found["skips"] = found["skipped"] if progress["skipped"] else ""
    found["successes"] = found["succeeded"] if progress["succeeded"] else ""
    if is_growing(progress):
        found["at_least"] = found.pop("total")
        total = None
    found["reached"] = found["total"] if processed == total and progress["failed"] else ""  # so only they are left
    found["nothing"] = found["total"] if total == 0 else ""
    found["single"] = found["total"] if total == 1 else ""
    if total is not None:
        found["left"] = words.number(total - processed)
        others = total - processed + to_retry
        found["others"] = words.number(others) if others else ""
    if progress["percent"] is not None:
        found["percent"] = words.percentage(progress["percent"])
    if processed:
        found |= zip(SHARES, words.shares(*(progress[name] for name in SHARES.values())), strict=True)
        if not progress["skipped"]:
            del found["skipped_share"]
    if progress["eta_seconds"] is not None:
        found["eta"] = words.about(progress["eta_seconds"])
    return found


def steps(run: Mapping[str, Any]) -> dict[str, str]:
    """Of a run that has steps: which one is under way, or comes next, and how far it is."""
    step = run["progress"]["step"]
    if step is None:
        return {}
    found = {"alone": run["state"]} if step["of"] == 1 else {"steps": words.number(step["of"])}
    if run["done"]:
        return found
    found |= {"step": step["title"], "step_number": words.number(step["number"])}
    if step_under_way(run):
        found |= {f"step_{name}": words.number(int(step[name])) for name in ("done", "total") if step[name] is not None}
        if step["percent"] is not None:
            found["step_percent"] = words.percentage(step["percent"])
        if step["eta_seconds"] is not None:
            found["step_eta"] = words.about(step["eta_seconds"])
    return found


def step_under_way(run: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The step whose figures are true now; None: there is none, or its worker is silent."""
    step: Mapping[str, Any] | None = run["progress"]["step"]
    return step if step and step["under_way"] and run["state"] == "running" and not run["stalled"] else None


def is_growing(progress: Mapping[str, Any]) -> bool:
    """Whether its items find others on the way, so that its total is only what is known so far."""
    return progress["percent"] is None and bool(progress["total"])


def times(run: Mapping[str, Any], now: datetime) -> dict[str, str]:
    at = {name: parse_datetime(run[name]) for name in set(MOMENTS.values()) if run[name]}
    found = {
        name: words.moment(there, now, exact=name in EXACT)
        for name, field in MOMENTS.items()
        if (there := at.get(field))
    }
    found["queued_for"] = since(at.get("created_at"), now)
    paused = timedelta(seconds=run["paused_seconds"])
    found["running_for"] = since(at.get("started_at"), now - paused)
    found["silent_for"] = found["resting_for"] = since(at.get("updated_at"), now)
    begun, ended, until = at.get("started_at"), at.get("finished_at"), at.get("waiting_until")
    took = (ended - begun - paused).total_seconds() if begun and ended else None
    found["took"] = words.duration(took) if took and took >= 1 else ""
    speed = pace(run["progress"], took)
    found["speed"] = words.speed(speed) if speed and speed >= SLOW else ""
    found["every"] = words.about(1 / speed) if speed and speed < SLOW else ""
    if until:
        left = (until - now).total_seconds()
        found |= {"until_in": words.about(max(0, left)), "until_clock": words.clock(left)}
    return found


def since(moment: datetime | None, now: datetime) -> str:
    return words.duration((now - moment).total_seconds()) if moment else ""


def pace(progress: Mapping[str, Any], took: float | None) -> float | None:
    """Items a second: of late, while it works; over all, once it has ended. None where that means nothing."""
    if progress["step"] is not None:
        return None
    if progress["rate"] is not None:
        return float(progress["rate"])
    return progress["processed"] / took if took else None


def shown(result: Any) -> str:
    """A run's result in one line; "" for none, and for what has no such line."""
    if isinstance(result, str):
        return result
    if is_number(result):
        return words.number(int(result)) if float(result).is_integer() else str(result)  # in a browser, 2.0 is 2
    if isinstance(result, dict) and all(isinstance(value, str) or is_number(value) for value in result.values()):
        return ", ".join(f"{name}: {shown(value)}" for name, value in result.items())
    return ""
