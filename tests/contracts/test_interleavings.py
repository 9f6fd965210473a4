"""Any order of claims, checkpoints, lost leases, frozen workers, pauses and cancels: each item's effect once, in order.

Hypothesis drives the store's own moves; each worker's memory is what the last move gave it, however stale.
"""

from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway import runs
from headway.errors import InvalidState
from headway.models import Part, Run
from headway.snapshots import snapshot
from headway.states import Counts, State, Want
from headway.store.parts import checkpoints, leases, planning
from headway.store.parts.checkpoints import Checkpoint
from headway.store.parts.leases import Fenced
from headway.store.parts.planning import Range
from headway.store.runs import control, endings
from headway.store.runs.control import Reason
from tests.app.driving import start
from tests.app.models import LedgerEntry

ITEMS = 6
WORKERS = st.integers(0, 1)
# Weighted: work must get somewhere before a mishap can do harm.
MOVES = (
    ["work"] * 20
    + ["freeze_past_the_lease"] * 4
    + ["die", "release", "give_in_late", "commit_without_hearing_of_it"] * 2
)
MOVES += ["pause", "resume", "resume", "break_down", "cancel"]


class Scene:
    """Two workers, one run of six items in one or two parts, and people."""

    def __init__(self, parts: int) -> None:
        Run.objects.update(retry_of=None, root=None)
        Run.objects.all().delete()
        LedgerEntry.objects.all().delete()
        self.run = start(items=ITEMS)
        self.ranges = [Range([0, ITEMS])] if parts == 1 else [Range([0, ITEMS // 2]), Range([ITEMS // 2, ITEMS])]
        self.memory: dict[int, Part] = {}
        self.revision = 0
        self.cancelled_at: int | None = None
        self.work(0)
        self.work(0)  # claimed and planned

    def mine(self, worker: int) -> Part | None:
        return self.memory.get(worker)

    def work(self, worker: int) -> None:
        """What a healthy worker does next."""
        part = self.mine(worker)
        if part is None:
            self.claim(worker)
        elif part.kind == "plan":
            self.plan(worker)
        elif part.cursor == part.bounds[1]:
            self.close(worker)
        else:
            self.chunk(worker)

    def claim(self, worker: int) -> None:
        if (part := leases.claim(f"worker-{worker}", 1)) is not None:
            self.memory[worker] = part

    def plan(self, worker: int) -> None:
        part = self.mine(worker)
        if part is None or part.kind != "plan":
            return
        try:
            planning.plan(part, lambda: self.ranges)
        except Fenced:
            del self.memory[worker]

    def reread(self, worker: int) -> None:
        part = leases.reclaim(self.memory.pop(worker))
        if part is not None:
            self.memory[worker] = part

    def chunk(self, worker: int) -> None:
        part = self.mine(worker)
        if part is None or part.kind != "items":
            return
        bounds: Any = part.bounds
        first, last = (bounds[0] if part.cursor is None else part.cursor), bounds[1]
        numbers = range(first, min(first + 1 + worker, last))
        if not numbers:
            return
        counts = Counts(part.succeeded + len(numbers))
        step = Checkpoint(numbers[-1] + 1, counts, worked_ms=1, suspected=0, careful=0, pace=[], message="")
        try:
            with transaction.atomic():
                for number in numbers:
                    LedgerEntry.objects.create(run=self.run.pk, item=str(number))
                checkpoints.write_checkpoint(part, step, renew=False)
        except Fenced:
            del self.memory[worker]
            return
        part.cursor, part.seq, part.succeeded = step.cursor, part.seq + 1, counts.succeeded

    def commit_without_hearing_of_it(self, worker: int) -> None:
        # The connection broke at COMMIT: the worker forgets what it knew and reads the part again.
        self.chunk(worker)
        if worker in self.memory:
            self.reread(worker)

    def release(self, worker: int) -> None:
        part = self.memory.pop(worker, None)
        if part is not None and not leases.release(part):
            try:
                control.yield_part(part)
            except Fenced:
                pass

    def give_in_late(self, worker: int) -> None:
        # It saw a pause that has been taken back meanwhile.
        part = self.memory.pop(worker, None)
        if part is not None:
            try:
                control.yield_part(part)
            except Fenced:
                pass

    def close(self, worker: int) -> None:
        part = self.mine(worker)
        if part is None or part.kind != "items" or part.cursor != part.bounds[1]:
            return
        del self.memory[worker]
        try:
            if not endings.close_part(part, has_finish=False).wanted:
                control.yield_part(part)
        except Fenced:
            pass

    def die(self, worker: int) -> None:
        self.memory.pop(worker, None)
        leases.give_up_parts_of(f"worker-{worker}")

    def freeze_past_the_lease(self, worker: int) -> None:
        Part.objects.filter(worker=f"worker-{worker}", token__isnull=False).update(due=1)  # its memory stays

    def pause(self, worker: int) -> None:
        self.ask(lambda: runs.pause(self.run))

    def resume(self, worker: int) -> None:
        self.ask(lambda: runs.resume(self.run))

    def cancel(self, worker: int) -> None:
        self.ask(lambda: runs.cancel(self.run))

    def break_down(self, worker: int) -> None:
        part = self.memory.pop(worker, None)
        if part is not None and part.kind == "items":
            try:
                control.halt(part, Want.PAUSE, Reason("operation-error", "It broke."))
            except Fenced:
                pass

    def ask(self, what: Any) -> None:
        try:
            what()
        except InvalidState:
            pass

    def each_effect_is_there_once_and_agrees_with_the_checkpoint(self) -> None:
        done = sorted(int(item) for item in LedgerEntry.objects.values_list("item", flat=True))
        expected = []
        for part in Part.objects.filter(run=self.run.pk, kind="items"):
            upto = part.bounds[0] if part.cursor is None else part.cursor
            expected += range(part.bounds[0], upto)
            assert part.succeeded == upto - part.bounds[0]
        assert done == sorted(expected)

    def the_revision_never_falls_and_the_end_is_final(self) -> None:
        seen = snapshot(self.run.pk)
        assert seen["revision"] >= self.revision
        self.revision = seen["revision"]
        state = seen["state"]
        if state == State.CANCELLED:
            done = LedgerEntry.objects.count()
            assert self.cancelled_at in (None, done), "an effect after the run said cancelled"
            self.cancelled_at = done
        if state == State.SUCCEEDED:
            assert LedgerEntry.objects.count() == ITEMS
        if seen["done"]:
            assert not Part.objects.filter(run=self.run.pk, token__isnull=False).exists()
            assert not Part.objects.filter(run=self.run.pk, due__isnull=False).exists()

    def nothing_is_stuck(self) -> None:
        # Who isn't paused or done has a part that is due now, or will be when a lease runs out.
        run = Run.objects.get(pk=self.run.pk)
        if not run.is_done and run.state != State.PAUSED:
            assert Part.objects.filter(run=run, due__isnull=False).exists()


@pytest.mark.django_db(transaction=True)
@settings(suppress_health_check=list(HealthCheck))
@given(parts=st.integers(1, 2), moves=st.lists(st.tuples(st.sampled_from(MOVES), WORKERS), min_size=20, max_size=60))
def test_every_interleaving_keeps_the_promises(parts: int, moves: list[tuple[str, int]]) -> None:
    scene = Scene(parts)
    for move, worker in moves:
        getattr(scene, move)(worker)
        scene.each_effect_is_there_once_and_agrees_with_the_checkpoint()
        scene.the_revision_never_falls_and_the_end_is_final()
        scene.nothing_is_stuck()
