"""A run as whoever watches it sees it: plain JSON values, everything absolute, nothing a difference."""

from typing import Any
from uuid import UUID

from django.db.models import Count, F

from headway.clock import NowMs
from headway.errors import RunNotFound, UnknownOperation
from headway.models import ItemOutcome, ItemState, Part, Run
from headway.operations import registry
from headway.states import ACTIONS, Counts, State, eta_seconds, percent, rate
from headway.store import workers

__all__ = ["snapshot"]


def snapshot(run_id: UUID) -> dict[str, Any]:
    """The run now. Run and parts are read by one statement, so that counts and revision belong together.

    Raises RunNotFound.
    """
    parts = list(Part.objects.filter(run=run_id).select_related("run").annotate(now=NowMs()).order_by("id"))
    if not parts:
        raise RunNotFound(run_id)
    run = parts[0].run
    stalled = not run.is_done and any(is_stalled(part) for part in parts)
    return {
        "id": str(run.pk),
        "operation": run.operation,
        "title": title(run.operation),
        "state": run.state,
        "done": run.is_done,
        "progress": progress(run, parts),
        "message": next((part.message for part in sorted(parts, key=lambda part: -part.changed) if part.message), ""),
        "reason": reason(run),
        "stalled": stalled,
        "resumes": sum(part.resumes for part in parts),
        "result": run.result,
        "failure_summary": failure_summary(run),
        "created_at": run.created_at.isoformat(),
        "started_at": run.started_at.isoformat() if run.started_at else None,
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "actions": [str(action) for action in ACTIONS[State(run.state)]],
        "retry_of": str(run.retry_of_id) if run.retry_of_id else None,
        "revision": run.revision + sum(part.seq for part in parts),
    }


def is_stalled(part: Any) -> bool:
    """Whether it has an owner whose lease has run out."""
    return part.token is not None and part.due < part.now


def progress(run: Run, parts: list[Any]) -> dict[str, Any]:
    """Counts that add up, a percentage that is rounded down, and a rate while there is one."""
    counts = Counts.over(Counts(part.succeeded, part.failed, part.skipped) for part in parts)
    # A total that was counted before rows were added must not be passed by.
    total = None if run.total is None else max(run.total, counts.processed)
    working = run.state == State.RUNNING
    rates = [found for part in parts if working and (found := rate(part.pace, part.now, part.processed)) is not None]
    speed = round(sum(rates), 1) if rates else None
    return {
        "total": total,
        "total_exact": run.total_exact and total == run.total,
        "processed": counts.processed,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "skipped": counts.skipped,
        "percent": percent(counts.processed, total, done=run.is_done),
        "rate": speed,
        "eta_seconds": eta_seconds(counts, total, speed, sum(part.worked_ms for part in parts)),
    }


def reason(run: Run) -> dict[str, str] | None:
    """Why it paused, stopped or waits."""
    if run.reason_code:
        return {"code": run.reason_code, "text": run.reason_text}
    if run.state == State.QUEUED and not workers.alive():
        return {"code": "no-worker", "text": "It starts by itself as soon as a worker is there."}
    return None


def failure_summary(run: Run) -> list[dict[str, Any]]:
    """How often each code, the most frequent first."""
    failed = ItemOutcome.objects.filter(run=run, state=ItemState.FAILED).order_by()
    counted: Any = failed.values("code").annotate(count=Count("id")).order_by(F("count").desc(), "code")
    return list(counted)


def title(operation: str) -> str:
    """What people call the operation; its name, where this code doesn't have it any more."""
    try:
        return str(registry.get(operation).title)  # a translation, in the language of whoever asks
    except UnknownOperation:
        return operation
