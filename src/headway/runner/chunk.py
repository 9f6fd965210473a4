"""One chunk: items, their outcomes and the checkpoint in one transaction, and what is done when one of them fails.

Three ways through the items, each dearer than the one before: plainly; with a savepoint around each; one per
transaction. A chunk begins plainly; when an item leaves something to undo, it is rolled back and its items are read
again.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError

from headway.conf import conf
from headway.errors import MissingParam
from headway.models import ItemState, Part
from headway.operations.base import Operation
from headway.operations.outcomes import Gone, Reject, Skip, Stop, Unreadable, Verdict
from headway.operations.sources import Entry
from headway.signals import run_changed
from headway.states import Counts, keep_pace, summed
from headway.store import checkpoints, outcomes
from headway.store.checkpoints import Checkpoint
from headway.store.database import Hooks, is_broken, is_lost, is_transient, write_beside_project
from headway.store.outcomes import Outcome

from .feed import LARGEST, Feed
from .in_hand import Work
from .loading import OperationError
from .preparing import Prepared
from .telling import describe, plain_sentence

__all__ = ["Chunks", "Tally"]

log = logging.getLogger(__name__)

GUARDED_AFTER_FAILURE = 200  # items: while failures are this close, a replay of each chunk would cost more
HOOKS_BUDGET = 0.5  # s that the on_commit hooks of a chunk may take; nobody looks up while they run
RENEW_AFTER = 0.25  # of the lease: before the heartbeat would, but not each time, since `due` stands in several indexes

BROKEN = (
    "process() caught an error of the database and went on, but its transaction can't: what it wrote would be lost. "
    "Put the statement that may fail into a `with transaction.atomic():` of its own, inside the `try`."
)

Entries = Iterator[Entry[Any]]


class Replay(Exception):
    """An item left something to undo: roll the chunk back and go through it again with savepoints."""


class Left(Exception):
    """The verdict on an item that is left out without being run."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


@dataclass
class Tally:
    """What has become of a chunk's items so far."""

    done: int = 0
    cursor: Any = None
    """Behind the last of them."""
    ended: list[tuple[Entry[Any], Exception]] = field(default_factory=list)
    """Those that did not succeed, and what they raised."""
    stop: Stop | None = None

    def count(self, entry: Entry[Any], error: Exception | None = None) -> None:
        """An item has ended."""
        self.done += 1
        self.cursor = entry[0]
        if error is not None:
            self.ended.append((entry, error))


Way = Callable[[Entries, Tally, float], None]


class Chunks:
    """Commits chunk after chunk of one part. The part in memory moves only when COMMIT has returned."""

    def __init__(self, work: Work, feed: Feed) -> None:
        self.work = work
        self.part = work.part
        self.feed = feed
        self.renew_after = conf().lease_seconds * RENEW_AFTER
        self.guarded = 0  # items still to be done with savepoints
        self.singly = 0  # items still to be done one per transaction
        self.refused: IntegrityError | None = None  # with which COMMIT refused the item that comes next
        self.most = LARGEST  # items in a chunk, so that its hooks don't keep a pause or a shutdown waiting
        self.attempted = 0  # items in the chunk that is or was just being committed
        self.logged: set[str] = set()
        self.since = time.monotonic()  # what has passed since then isn't in the part's `worked_ms`
        self.claimed = self.since  # when the database's clock stood at `part.changed`
        self.claimed_ms = work.part.changed

    def advance(self, budget: float) -> Tally:
        """Commit what the budget allows of what the feed gives, at least one item.

        None is done when the feed has ended, when the run is to stop, or when the chunk was rolled back for an item's
        sake: then the feed is rewound, and the next call goes another way. Raises Fenced, OperationError, and errors
        of the database that say nothing about an item.
        """
        if self.refused:
            error, self.refused = self.refused, None
            return self.commit(leave(error), 0, most=1)
        if self.part.careful:
            return self.careful_item()
        if self.singly:
            self.singly -= 1
            return self.single_item()
        return self.several_items(budget)

    def several_items(self, budget: float) -> Tally:
        """A chunk by the clock: plainly, or with savepoints while failures are near."""
        try:
            if self.guarded:
                return self.commit(self.with_savepoints, budget, check_fence=True)
            return self.commit(self.plainly, budget)
        except Replay:
            self.guarded = GUARDED_AFTER_FAILURE
        except IntegrityError:
            # COMMIT refused the chunk for a deferred constraint, which no savepoint can find.
            self.singly = self.attempted
        self.feed.rewind()
        return Tally()

    def single_item(self) -> Tally:
        """A transaction of its own for one item; when its COMMIT is refused, the item has failed."""
        try:
            return self.commit(self.with_savepoints, 0, most=1)
        except IntegrityError as error:
            self.refused = error
        self.feed.rewind()
        return Tally()

    def careful_item(self) -> Tally:
        """The same, once it is on record that it may be the one that kills."""
        checkpoints.begin_item(self.part)
        self.part.seq += 1
        self.feed.prepare_one()
        return self.single_item()

    def leave_out(self, code: str, text: str) -> Tally:
        """Write the next item down as failed without running it."""
        return self.commit(leave(Left(code, text)), 0, most=1)

    def commit(self, way: Way, budget: float, *, most: int | None = None, check_fence: bool = False) -> Tally:
        """Take `way` through what the feed gives and commit what came of it with the checkpoint."""
        work, tally = self.work, Tally()
        hooks = Hooks(self.begin_hook)
        began = time.monotonic()
        try:
            with write_beside_project():
                deadline = time.monotonic() + budget
                with connection.execute_wrapper(work.guard):
                    if check_fence:
                        checkpoints.check_fence(self.part)
                    way(self.feed.entries(most or self.most, deadline), tally, deadline)
                self.attempted = tally.done
                if not tally.done:
                    return tally
                written = self.outcomes_of(tally)
                outcomes.record(self.part, written)
                renew = time.monotonic() - work.pulse.renewed > self.renew_after
                checkpoint = self.checkpoint(tally, written)
                checkpoints.write_checkpoint(self.part, checkpoint, renew=renew)
                hooks.take_over()
                committing = time.monotonic()
        finally:
            work.pulse.rest()
        self.most = items_for_hooks(hooks.count, tally.done, time.monotonic() - committing)
        self.move(checkpoint, renewed=began if renew else None)
        self.feed.keep(tally.done, committing - began, budget)
        run_changed.send_robust(sender=Part, run_id=self.part.run_id)
        self.guarded = max(0, self.guarded - tally.done)
        if hooks.failed:
            checkpoints.note_failed_hooks(self.part, hooks.failed)
            self.part.seq += 1
        return tally

    def begin_hook(self) -> None:
        self.work.pulse.begin(self.work.operation.item_timeout)

    def plainly(self, entries: Entries, tally: Tally, deadline: float) -> None:
        """Item after item in the chunk's transaction. Raises Replay when one fails and is not clean."""
        work = self.work
        should_stop, monotonic = work.should_stop, time.monotonic
        pulse, guard = work.pulse, work.guard
        pulse.begin(work.operation.item_timeout)
        for entry in entries:
            mark = guard.mark()
            try:
                do(work.operation, entry[2])
            except Exception as error:
                self.refuse_faults(error)
                if not guard.is_clean(mark) or not is_harmless(error, entry[2]):
                    raise Replay from error
                if isinstance(error, Stop):
                    tally.stop = error
                    return
                tally.count(entry, error)
            else:
                tally.count(entry)
            pulse.began = now = monotonic()
            if now >= deadline or should_stop():
                break
        if is_broken():
            raise Replay  # an item swallowed an error of the database: nothing of this chunk could be committed

    def with_savepoints(self, entries: Entries, tally: Tally, deadline: float) -> None:
        """Item after item, each inside a savepoint, so that a failing one undoes itself alone."""
        work = self.work
        work.pulse.begin(work.operation.item_timeout)
        for entry in entries:
            mark = work.guard.mark()
            try:
                with transaction.atomic():
                    do(work.operation, entry[2])
                    if is_broken():
                        raise TransactionManagementError(BROKEN)
            except Stop as stop:
                tally.stop = stop
                return
            except Exception as error:
                self.refuse_faults(error)
                if is_broken():
                    raise  # not even its savepoint could be rolled back
                tally.count(entry, error)
                harmless = is_harmless(error, entry[2])
                if not harmless:
                    self.guarded = GUARDED_AFTER_FAILURE + tally.done
                if not (harmless and work.guard.is_clean(mark)):
                    self.feed.renew()
            else:
                tally.count(entry)
            work.pulse.began = now = time.monotonic()
            if now >= deadline or work.should_stop():
                return

    def refuse_faults(self, error: Exception) -> None:
        """Raise what says something about the database or the operation instead of the item: it isn't judged by it."""
        if isinstance(error, Verdict):
            return  # what it caught on its way is its own business
        if isinstance(error, MissingParam):
            raise OperationError(f"Its items can't be done. {error}") from error
        if is_transient(error) or (is_lost(error) and self.work.guard.is_own(error)):
            raise error

    def outcomes_of(self, tally: Tally) -> list[Outcome]:
        """What is written down of the items that didn't succeed."""
        labels = self.labels([entry for entry, _ in tally.ended])
        return [self.outcome(entry[1], error, label) for (entry, error), label in zip(tally.ended, labels, strict=True)]

    def outcome(self, key: str, error: Exception, label: str) -> Outcome:
        if isinstance(error, Skip):
            return Outcome(key, ItemState.SKIPPED, error.code, error.text, label)
        if isinstance(error, Reject | Left):
            return Outcome(key, ItemState.FAILED, error.code, error.text, label)
        code = self.work.operation.code_for(error)
        self.log(code, key, error)
        return Outcome(key, ItemState.FAILED, code, plain_sentence(error), label, describe(error))

    def log(self, code: str, key: str, error: Exception) -> None:
        """The first unexpected error of each code, with its traceback: once for the part, not for each item."""
        if code not in self.logged and code not in self.part.failures:
            self.logged.add(code)
            log.error("part=%s run=%s item=%s event=item-failed code=%s", self.part.pk, self.part.run_id, key, code,
                      exc_info=error)  # fmt: skip

    def labels(self, entries: list[Entry[Any]]) -> list[str]:
        """What people call these items. A name may cost a query; if one fails, the chunk's transaction must not."""
        if not entries:
            return []
        try:
            with transaction.atomic():
                return [self.label(entry[2]) for entry in entries]
        except Exception as error:  # noqa: BLE001  (a name that can't be told must not hide what happened)
            self.refuse_faults(error)
            return [self.label_or_key(entry) for entry in entries]

    def label_or_key(self, entry: Entry[Any]) -> str:
        try:
            with transaction.atomic():
                return self.label(entry[2])
        except Exception as error:  # noqa: BLE001  (as above)
            self.refuse_faults(error)
            return entry[1]

    def label(self, item: Any) -> str:
        if isinstance(item, Prepared):
            item = item.item
        if isinstance(item, Unreadable | Gone):
            return item.label
        return str(self.work.operation.label(item) or self.work.source.label(item))

    def checkpoint(self, tally: Tally, written: list[Outcome]) -> Checkpoint:
        """How the part stands with this chunk."""
        codes = Counter(outcome.code for outcome in written if outcome.state == ItemState.FAILED)
        failed = codes.total()
        skipped = len(written) - failed
        part, now = self.part, time.monotonic()
        counts = Counts(
            part.succeeded + tally.done - failed - skipped,
            part.failed + failed,
            part.skipped + skipped,
        )
        worked, self.since = now - self.since, now
        return Checkpoint(
            cursor=tally.cursor,
            counts=counts,
            worked_ms=part.worked_ms + round(worked * 1000),
            suspected=max(0, part.suspected - tally.done),
            careful=max(0, part.careful - tally.done),
            pace=keep_pace(part.pace, self.claimed_ms + round((now - self.claimed) * 1000), counts.processed),
            message=self.work.message,
            failures=summed(part.failures, codes) if codes else None,
        )

    def move(self, checkpoint: Checkpoint, renewed: float | None) -> None:
        """The part in memory follows the one in the database."""
        part = self.part
        part.cursor, part.seq = checkpoint.cursor, part.seq + 1
        part.succeeded = checkpoint.counts.succeeded
        part.failed = checkpoint.counts.failed
        part.skipped = checkpoint.counts.skipped
        part.suspected, part.careful = checkpoint.suspected, checkpoint.careful
        part.worked_ms, part.pace = checkpoint.worked_ms, checkpoint.pace
        part.tries = part.deaths = part.setbacks = 0
        if checkpoint.failures is not None:
            part.failures = checkpoint.failures
        if renewed is not None:
            self.work.pulse.renewed = renewed


def do(operation: Operation, item: Any) -> None:
    """Do one item, in a context of its own: what it activates (a language, a time zone) reaches no other.

    Raises its verdict, and whatever `process` or `prepare` raised.
    """
    kind = item.__class__
    if kind is Prepared:
        copy_context().run(operation.process, item.item, item.future.result())
    elif kind is Unreadable or kind is Gone:
        raise item
    else:
        copy_context().run(operation.process, item)


def is_harmless(error: Exception, item: Any) -> bool:
    """Whether the error came before anything was written, if no statement tells otherwise."""
    return isinstance(error, Reject | Skip | Stop) or (isinstance(item, Prepared) and item.error is not None)


def leave(verdict: Exception) -> Way:
    """Let one item end so, without running it."""

    def settle(entries: Entries, tally: Tally, deadline: float) -> None:
        for entry in entries:
            tally.count(entry, verdict)
            return

    return settle


def items_for_hooks(hooks: int, items: int, seconds: float) -> int:
    """How many items the next chunk may have, when the hooks of this one took so long."""
    if not hooks or seconds < HOOKS_BUDGET:
        return LARGEST
    return max(1, int(items * HOOKS_BUDGET / seconds))
