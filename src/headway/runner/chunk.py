"""One chunk: items, their outcomes and the checkpoint in one transaction, and what is done when one of them fails.

Three ways through the items, each dearer than the one before: plainly; with a savepoint around each; one per
transaction. A chunk begins plainly, and is replayed from its start when an item leaves something to undo.
"""

import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import DataError, IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError

from headway.conf import conf
from headway.models import ItemState, Part
from headway.operations.base import Operation
from headway.operations.outcomes import Reject, Skip, Stop, Unreadable, Verdict
from headway.operations.sources import Entry, Source
from headway.signals import run_changed
from headway.states import Counts, keep_pace, summed
from headway.store import checkpoints, outcomes
from headway.store.checkpoints import Checkpoint
from headway.store.database import is_broken, is_lost, is_transient, keep_going_after_hooks, write
from headway.store.outcomes import Outcome

from .guard import Guard
from .preparing import Prepared, Unprepared
from .pulse import Pulse

__all__ = ["LARGEST", "Chunks", "Tally"]

LARGEST = 4_000  # items in a chunk; a careful owner must go through as many
GUARDED_AFTER_FAILURE = 200  # items: while failures are this close, a replay of each chunk would cost more
HOOKS_BUDGET = 0.5  # s that the on_commit hooks of a chunk may take; nobody looks up while they run
RENEW_AFTER = 0.25  # of the lease: before the heartbeat would, but not each time, since `due` is indexed (HOT updates)


class Replay(Exception):
    """An item left something to undo: roll the chunk back and go through it again with savepoints."""


@dataclass
class Tally:
    """What has become of a chunk's items so far."""

    done: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    stop: Stop | None = None


BROKEN = (
    "process() caught an error of the database and went on, but its transaction can't: what it wrote would be lost. "
    "Put the statement that may fail into a `with transaction.atomic():` of its own, inside the `try`."
)
Way = Callable[[Sequence[Entry[Any]], Tally, float], None]


class Chunks:
    """Commits chunk after chunk of one part. The part in memory moves only when COMMIT has returned."""

    def __init__(
        self,
        part: Part,
        operation: Operation,
        source: Source[Any],
        preparing: Unprepared,
        pulse: Pulse,
        should_stop: Callable[[], bool],
        message: Callable[[], str],
    ) -> None:
        self.part = part
        self.operation = operation
        self.source = source
        self.process = preparing.process
        self.pulse = pulse
        self.should_stop = should_stop
        self.message = message
        self.renew_after = conf().lease_seconds * RENEW_AFTER
        self.guard = Guard()
        self.guarded = 0  # items still to be done with savepoints
        self.singly = 0  # items still to be done one per transaction
        self.most = LARGEST  # items in a chunk, so that its hooks don't keep a pause or a shutdown waiting
        self.attempted = 0  # items in the chunk that is or was just being committed
        self.claimed = time.monotonic()  # when the database's clock stood at `part.changed`
        self.claimed_ms = part.changed

    def advance(self, entries: Sequence[Entry[Any]], budget: float) -> Tally:
        """Commit what the budget allows of the entries, at least one; none only when the run is to stop.

        Raises Fenced, and errors of the database that say nothing about an item.
        """
        if self.part.careful:
            return self.one_item(entries[:1], careful=True)
        if self.singly:
            self.singly -= 1
            return self.one_item(entries[:1])
        try:
            return self.several_items(entries[: self.most], budget)
        except IntegrityError:
            # COMMIT refused the chunk for a deferred constraint, which no savepoint can find.
            self.singly = self.attempted
            return self.advance(entries, budget)

    def several_items(self, entries: Sequence[Entry[Any]], budget: float) -> Tally:
        """A chunk by the clock: plainly, or with savepoints while failures are near."""
        if not self.guarded:
            try:
                return self.commit(self.plainly, entries, budget)
            except Replay:
                self.guarded = GUARDED_AFTER_FAILURE
        return self.commit(self.with_savepoints, entries, budget, check_fence=True)

    def one_item(self, entries: Sequence[Entry[Any]], *, careful: bool = False) -> Tally:
        """A transaction of its own for one item; when its COMMIT is refused, the item has failed."""
        if careful:
            checkpoints.begin_item(self.part)
            self.part.seq += 1
            self.prepare(entries[0][2])
        try:
            return self.commit(self.with_savepoints, entries, 0)
        except IntegrityError as error:
            verdict = self.failure(entries[0], error)
            return self.commit(lambda _entries, tally, _deadline: settle(tally, verdict), entries, 0)

    def prepare(self, item: Any) -> None:
        """Prepare a careful item, outside its transaction."""
        if isinstance(item, Prepared):
            self.pulse.begin(self.operation.item_timeout)
            item.run(self.operation.prepare)
            self.pulse.rest()

    def record(self, entry: Entry[Any], code: str, text: str) -> Tally:
        """Write an item down as failed without running it."""
        verdict = Outcome(entry[1], ItemState.FAILED, code, text, self.label(entry))
        return self.commit(lambda _entries, tally, _deadline: settle(tally, verdict), [entry], 0)

    def commit(self, way: Way, entries: Sequence[Entry[Any]], budget: float, *, check_fence: bool = False) -> Tally:
        """Take `way` through the entries and commit what came of it with the checkpoint."""
        started = time.monotonic()
        tally = Tally()
        try:
            with write():
                with connection.execute_wrapper(self.guard):
                    if check_fence:
                        checkpoints.check_fence(self.part)
                    way(entries, tally, started + budget)
                self.attempted = tally.done
                if not tally.done:
                    return tally
                outcomes.record(self.part, tally.outcomes)
                renew = time.monotonic() - self.pulse.renewed > self.renew_after
                checkpoint = self.checkpoint(entries[tally.done - 1][0], tally, started)
                checkpoints.write_checkpoint(self.part, checkpoint, renew=renew)
                hooks = keep_going_after_hooks(lambda: self.pulse.begin(self.operation.item_timeout))
                committing = time.monotonic()
        finally:
            self.pulse.rest()
        self.most = items_for_hooks(hooks, tally.done, time.monotonic() - committing)
        self.move(checkpoint, renewed=started if renew else None)
        run_changed.send_robust(sender=Part, run_id=self.part.run_id)
        self.guarded = max(0, self.guarded - tally.done)
        return tally

    def plainly(self, entries: Sequence[Entry[Any]], tally: Tally, deadline: float) -> None:
        """Item after item in the chunk's transaction. Raises Replay when one fails and is not clean."""
        process, should_stop, monotonic = self.process, self.should_stop, time.monotonic
        pulse, mark_of = self.pulse, self.guard.mark
        pulse.begin(self.operation.item_timeout)
        for entry in entries:
            item = entry[2]
            mark = mark_of()
            try:
                if item.__class__ is Unreadable:
                    raise item
                process(item)
            except Exception as error:
                self.refuse_faults(error)
                harmless = isinstance(error, Reject | Skip | Stop) or (isinstance(item, Prepared) and item.error)
                if not self.guard.is_clean(mark) or not harmless:
                    raise Replay from error
                if isinstance(error, Stop):
                    tally.stop = error
                    return
                tally.outcomes.append(self.failure(entry, error))
            tally.done += 1
            pulse.began = now = monotonic()
            if now >= deadline or should_stop():
                break
        if is_broken():
            raise Replay  # an item swallowed an error of the database: nothing of this chunk could be committed

    def with_savepoints(self, entries: Sequence[Entry[Any]], tally: Tally, deadline: float) -> None:
        """Item after item, each inside a savepoint, so that a failing one undoes itself alone."""
        self.pulse.begin(self.operation.item_timeout)
        for entry in entries:
            try:
                if isinstance(entry[2], Unreadable):
                    raise entry[2]
                with transaction.atomic():
                    self.process(entry[2])
                    if is_broken():
                        raise TransactionManagementError(BROKEN)
            except Stop as stop:
                tally.stop = stop
                return
            except Exception as error:
                self.refuse_faults(error)
                if is_broken():
                    raise  # not even its savepoint could be rolled back
                tally.outcomes.append(self.failure(entry, error))
                if not isinstance(error, Reject | Skip):
                    self.guarded = GUARDED_AFTER_FAILURE + tally.done + 1
            tally.done += 1
            self.pulse.began = now = time.monotonic()
            if now >= deadline or self.should_stop():
                return

    def refuse_faults(self, error: Exception) -> None:
        """Raise again what says something about the database instead of the item: no item is judged by it."""
        if isinstance(error, Verdict):
            return  # what it caught on its way is its own business
        if is_transient(error) or is_lost(error):
            raise error

    def failure(self, entry: Entry[Any], error: Exception) -> Outcome:
        """What is written down of an item that raised."""
        label = self.label(entry)
        if isinstance(error, Skip | Reject):
            state = ItemState.SKIPPED if isinstance(error, Skip) else ItemState.FAILED
            return Outcome(entry[1], state, error.code, error.text, label)
        return Outcome(
            entry[1], ItemState.FAILED, self.operation.code_for(error), plain_sentence(error), label, describe(error)
        )

    def label(self, entry: Entry[Any]) -> str:
        """What people call the item."""
        item = entry[2].item if isinstance(entry[2], Prepared) else entry[2]
        if isinstance(item, Unreadable):
            return item.label
        try:
            return str(self.operation.label(item) or self.source.label(item))
        except Exception:  # noqa: BLE001  (a name that can't be told must not hide what happened to the item)
            return entry[1]

    def checkpoint(self, cursor: Any, tally: Tally, started: float) -> Checkpoint:
        """How the part stands with this chunk."""
        codes = Counter(outcome.code for outcome in tally.outcomes if outcome.state == ItemState.FAILED)
        failed = codes.total()
        skipped = len(tally.outcomes) - failed
        part, now = self.part, time.monotonic()
        counts = Counts(
            part.succeeded + tally.done - failed - skipped,
            part.failed + failed,
            part.skipped + skipped,
        )
        return Checkpoint(
            cursor=cursor,
            counts=counts,
            worked_ms=part.worked_ms + round((now - started) * 1000),
            careful=max(0, part.careful - tally.done),
            pace=keep_pace(part.pace, self.claimed_ms + round((now - self.claimed) * 1000), counts.processed),
            message=self.message(),
            failures=summed(part.failures, codes) if codes else None,
        )

    def move(self, checkpoint: Checkpoint, renewed: float | None) -> None:
        """The part in memory follows the one in the database."""
        part = self.part
        part.cursor, part.seq = checkpoint.cursor, part.seq + 1
        part.succeeded = checkpoint.counts.succeeded
        part.failed = checkpoint.counts.failed
        part.skipped = checkpoint.counts.skipped
        part.worked_ms, part.careful, part.pace = checkpoint.worked_ms, checkpoint.careful, checkpoint.pace
        part.tries = part.deaths = 0
        if checkpoint.failures is not None:
            part.failures = checkpoint.failures
        if renewed is not None:
            self.pulse.renewed = renewed


def items_for_hooks(hooks: int, items: int, seconds: float) -> int:
    """How many items the next chunk may have, when the hooks of this one took so long."""
    if not hooks or seconds < HOOKS_BUDGET:
        return LARGEST
    return max(1, int(items * HOOKS_BUDGET / seconds))


def settle(tally: Tally, verdict: Outcome) -> None:
    """One item has ended so, without being run."""
    tally.outcomes.append(verdict)
    tally.done += 1


def plain_sentence(error: Exception) -> str:
    """What everybody may read of an unexpected error."""
    if isinstance(error, IntegrityError):
        return "The database refused it: it clashes with a row that is there, or breaks another rule of its table."
    if isinstance(error, DataError):
        return "The database refused it: a value doesn't fit its column."
    return "Something unexpected went wrong with it."


def describe(error: Exception) -> str:
    """What staff read of an unexpected error: itself, and where it was raised."""
    frame = traceback.extract_tb(error.__traceback__)[-1:]
    where = f" ({frame[0].filename}:{frame[0].lineno})" if frame else ""
    try:
        said = str(error)
    except Exception:  # noqa: BLE001  (an error that can't even be told must not hide what happened to the item)
        said = "its text can't be told"
    return f"{type(error).__name__}: {said}{where}"
