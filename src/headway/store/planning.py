"""From a queued run to one whose parts can be worked: the planning part becomes the first of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Coalesce, Now

from headway.clock import NowMs
from headway.models import Kind, Part, Run
from headway.states import Event, State, Want, after

from .announcing import announce_change, announce_due
from .database import keep_going_after_hooks, write
from .leases import Fenced, lease_ms
from .locks import lock_run
from .outcomes import count_failed, failed_end

__all__ = ["Range", "begin", "leaves_something", "left_by", "plan"]


@dataclass(frozen=True)
class Range:
    """What one part is to read: a range of the source, or (`retries`) the failed items of an earlier run."""

    bounds: Any
    cursor: Any = None
    before: int = 0
    retries: UUID | None = None


def begin(part: Part) -> bool:
    """The run's first claim: it is running now. False when it isn't wanted any more."""
    with write():
        run = lock_run(part.run_id)
        if run.want != Want.RUN:
            return False
        run.state = after(State(run.state), Event.BEGIN)
        Run.objects.filter(pk=run.pk).update(
            state=run.state, started_at=Coalesce("started_at", Now()), revision=run.revision + 1, changed=NowMs()
        )
        announce_change(run.pk)
        return True


def plan(part: Part, freeze: Callable[[], Sequence[Range]]) -> bool:
    """Call `freeze` and give its ranges to the run's parts, in one transaction; False, and nothing happened, when the
    run isn't wanted any more. Raises Fenced, and whatever `freeze` raises.
    """
    with write():
        first, *others = freeze()
        run = lock_run(part.run_id)
        if run.want != Want.RUN:
            transaction.set_rollback(True)
            return False
        planned = Part.objects.filter(pk=part.pk, token=part.token, seq=part.seq).update(
            kind=Kind.ITEMS,
            seq=part.seq + 1,
            tries=0,
            due=NowMs() + lease_ms(),
            changed=NowMs(),
            **columns(first),
        )
        if not planned:
            raise Fenced
        Part.objects.bulk_create(
            Part(run=run, kind=Kind.ITEMS, due=NowMs(), changed=NowMs(), **columns(other)) for other in others
        )
        Run.objects.filter(pk=run.pk).update(parts_left=1 + len(others), revision=run.revision + 1, changed=NowMs())
        announce_change(run.pk)
        announce_due(run.operation, len(others))
        keep_going_after_hooks()
        return True


def columns(planned: Range) -> dict[str, Any]:
    return {
        "bounds": planned.bounds,
        "cursor": planned.cursor,
        "before": planned.before,
        "retries_id": planned.retries,
    }


def left_by(run_id: UUID, parts: int = 1) -> tuple[list[Range], bool]:
    """What a run left to be retried, and whether it ended before its source was frozen.

    Its failed items first, in so many parts at most, then the rest of each part that it didn't close. A retry that
    ended before it had planned left all that it was to take up.
    """
    left = list(Part.objects.filter(run_id=run_id, closed=False).order_by("id"))
    if any(part.kind == Kind.PLAN for part in left):
        before = Run.objects.values_list("retry_of", flat=True).get(pk=run_id)
        return left_by(before, parts) if before else ([], True)
    return failed_in(run_id, parts) + [
        Range(part.bounds, part.cursor, part.before + part.processed, part.retries_id)
        for part in left
        if part.kind == Kind.ITEMS
    ], False


def leaves_something(part: Part) -> bool:
    """Whether an ended run left something of this part, so that `left_by` finds it."""
    return part.failed > 0 or (not part.closed and part.kind in (Kind.ITEMS, Kind.PLAN))


def failed_in(run_id: UUID, parts: int) -> list[Range]:
    """The run's failed items in as many ranges, or fewer; none when none failed."""
    step = -(-count_failed(run_id) // parts)
    ranges: list[Range] = []
    above = 0
    while step and (last := failed_end(run_id, above, step)):
        ranges.append(Range({"above": above, "last": last}, retries=run_id))
        above = last
    return ranges
