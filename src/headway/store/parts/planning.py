"""From a queued run to one whose parts can be worked: the planning part becomes the first of them; what a retry takes
up of an earlier run; and the run's total."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from headway.database import Hooks, NowMs, write, write_beside_project
from headway.database.statements import Given, Update
from headway.models import Kind, Part, Run
from headway.states import LIVE, Want
from headway.store.announcing import announce_change, announce_due

from . import discoveries
from .failed import count_failed, failed_end
from .flights import WENT_OUT
from .leases import AS_WE_LEFT_IT, fenced, lease_ms


@dataclass(frozen=True)
class Range:
    """What one part is to read: a range of the source, or (`retries`) what an earlier run has left: its failed items,
    or those that were added and not reached."""

    bounds: Any
    cursor: Any = None
    before: int = 0
    retries: UUID | None = None


def plan(part: Part, freeze: Callable[[], Sequence[Range]], source: str = "", version: str = "") -> bool:
    """Call `freeze` and give its ranges to the run's parts, in one transaction: the first of them to `part`, which then
    stands for it. `source`: what they are ranges of; `version`: of the operation. False, and nothing happened, when the
    run isn't wanted any more, or is gone. Raises Fenced, and whatever `freeze` raises.

    The run is locked after `freeze`, so that a slow one doesn't make those wait who want to cancel.
    """
    with write_beside_project():
        first, *others = map(columns, freeze())
        if not PLANNED(id=part.run_id, parts_left=1 + len(others), source=source, version=version):
            transaction.set_rollback(True)
            return False
        fenced(GIVE, part, lease=lease_ms(), **first)
        given = {"run_id": part.run_id, "kind": Kind.ITEMS, "due": NowMs(), "changed": NowMs()}
        Part.objects.bulk_create([Part(**given, number=number, **other) for number, other in enumerate(others, 1)])
        announce_change(part.run_id)
        announce_due(part.run.operation, len(others))
        Hooks().take_over()
    part.run.source, part.run.version = source, version
    part.kind, part.seq, part.tries = Kind.ITEMS, part.seq + 1, 0
    for name, value in first.items():
        setattr(part, name, value)
    return True


PLANNED = Update(
    Run.objects.filter(pk=Given("id", Run), want=Want.RUN),  # to update it is to lock it
    parts_left=Given("parts_left"),
    source=Given("source", Run),
    version=Given("version", Run),
    revision=F("revision") + 1,
    changed=NowMs(),
)
GIVE = Update(
    AS_WE_LEFT_IT,
    kind=Kind.ITEMS,
    seq=F("seq") + 1,
    tries=0,
    due=NowMs() + Given("lease"),
    bounds=Given("bounds", Part),
    cursor=Given("cursor", Part),
    before=Given("before"),
    retries=Given("retries_id", Part),
    changed=NowMs(),
)


def columns(planned: Range) -> dict[str, Any]:
    """A range as the columns of a part; its JSON as every later reader will have it, so with lists for tuples."""
    return {
        "bounds": json.loads(json.dumps(planned.bounds)),
        "cursor": json.loads(json.dumps(planned.cursor)),
        "before": planned.before,
        "retries_id": planned.retries,
    }


def left_by(run_id: UUID, parts: int = 1) -> tuple[list[Range], bool]:
    """What a run left to be retried, and whether it ended before its source was frozen.

    Its failed items first, in so many parts at most, then the rest of each part that it didn't close, and what was
    added in it. A retry that ended before it had planned left all that it was to take up.
    """
    left = list(Part.objects.filter(run_id=run_id, closed=False).order_by("id"))
    if any(part.kind == Kind.PLAN for part in left):
        before = Run.objects.values_list("retry_of", flat=True).get(pk=run_id)
        return left_by(before, parts) if before else ([], True)
    items = [part for part in left if part.kind == Kind.ITEMS]
    rest = [
        Range(part.bounds, part.cursor, part.before + part.processed, part.retries_id)
        for part in items
        if not part.phase
    ]
    added = [
        Range({"added_in": part.pk, "above": discoveries.behind(part)}, retries=run_id)
        for part in items
        if discoveries.is_left(part)
    ]
    return failed_in(run_id, parts) + rest + added, False


def steps_left_by(run_id: UUID) -> tuple[list[Range], bool]:
    """The same of a run that has steps: one range, from the step that failed or wasn't reached on, in their order."""
    part = Part.objects.filter(run_id=run_id).earliest("id")
    if part.kind == Kind.PLAN:
        before = Run.objects.values_list("retry_of", flat=True).get(pk=run_id)
        return steps_left_by(before) if before else ([], True)
    ended = (part.cursor or 0) - part.failed
    return [Range(part.bounds, ended or None, ended)], False


def leaves_something(part: Part) -> bool:
    """Whether an ended run left something of this part, so that `left_by` finds it."""
    unread = not part.phase or part.added > 0
    return part.failed > part.failures.get(WENT_OUT, 0) or (
        not part.closed and unread and part.kind in (Kind.ITEMS, Kind.PLAN)
    )


def failed_in(run_id: UUID, parts: int) -> list[Range]:
    """The run's failed items in as many ranges, or fewer; none when none failed."""
    step = -(-count_failed(run_id) // parts)
    ranges: list[Range] = []
    above = 0
    while step and (last := failed_end(run_id, above, step)):
        ranges.append(Range({"above": above, "last": last}, retries=run_id))
        above = last
    return ranges


def set_total(run_id: UUID, total: int) -> bool:
    """Store how many items the run has, counted beside the work, unless it has ended or another worker was quicker."""
    with write():
        stored = Run.objects.filter(pk=run_id, total=None, state__in=sorted(LIVE)).update(
            total=total, total_exact=True, revision=F("revision") + 1, changed=NowMs()
        )
        if stored:
            announce_change(run_id)
        return bool(stored)
