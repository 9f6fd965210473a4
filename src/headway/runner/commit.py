"""A chunk's transaction: items, their outcomes and the checkpoint. How the items are done is their way's business."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from django.db import connection, transaction

from headway.conf import conf
from headway.database import Hooks, write_beside_project
from headway.database.waiting import WORKER
from headway.models import ItemState, Part
from headway.operations.outcomes import Gone, Reject, Skip, Unreadable
from headway.operations.sources import Entry
from headway.signals import run_changed
from headway.states import Counts, keep_pace, summed
from headway.store.parts import checkpoints, outcomes
from headway.store.parts.checkpoints import Checkpoint
from headway.store.parts.outcomes import Outcome

from .faults import refuse_faults
from .feed import LARGEST, Feed
from .in_hand import Work
from .preparing import Prepared
from .tally import Entries, Left, Tally
from .telling import describe, plain_sentence

__all__ = ["Commit", "Do"]

log = logging.getLogger(__name__)

HOOKS_BUDGET = 0.5  # s that the on_commit hooks of a chunk may take; nobody looks up while they run
RENEW_AFTER = 0.25  # of the lease: before the heartbeat would, but not each time, since `due` stands in several indexes

Do = Callable[[Entries, Tally, float], None]
"""Does items until the deadline (`monotonic`) and counts each. It may raise: then nothing of the chunk is committed."""


class Commit:
    """Commits what a way does with the next items. The part in memory moves only when COMMIT has returned."""

    def __init__(self, work: Work, feed: Feed) -> None:
        self.work = work
        self.part = work.part
        self.feed = feed
        self.renew_after = conf().lease_seconds * RENEW_AFTER
        self.most = LARGEST  # items in a chunk, so that its hooks don't keep a pause or a shutdown waiting
        self.attempted = 0
        """Items in the chunk that is or was just being committed."""
        self.logged: set[str] = set()
        self.since = time.monotonic()  # what has passed since then isn't in the part's `worked_ms`
        self.claimed = self.since  # when the database's clock stood at `part.changed`
        self.claimed_ms = work.part.changed

    def __call__(self, do: Do, budget: float, *, most: int | None = None, check_fence: bool = False) -> Tally:
        """`do` what the feed gives and commit what came of it with the checkpoint; nothing when the feed has ended.

        Raises Fenced, OperationError, what `do` raises, IntegrityError when COMMIT refuses the chunk for a deferred
        constraint, and errors of the database that say nothing about an item.
        """
        work, tally = self.work, Tally()
        hooks = Hooks(self.begin_hook)
        began = time.monotonic()
        try:
            with write_beside_project(kind=WORKER):
                deadline = work.turns.begin(budget)
                with connection.execute_wrapper(work.guard):
                    if check_fence:
                        checkpoints.check_fence(self.part)
                    do(self.feed.entries(most or self.most, deadline), tally, deadline)
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
        if hooks.failed:
            checkpoints.note_failed_hooks(self.part, hooks.failed)
            self.part.seq += 1
        return tally

    def left_out(self, verdict: Exception) -> Tally:
        """Let the next item end so, without running it."""

        def leave(entries: Entries, tally: Tally, deadline: float) -> None:
            for entry in entries:
                tally.count(entry, verdict)
                return

        return self(leave, 0, most=1)

    def begin_hook(self) -> None:
        self.work.pulse.begin(self.work.operation.item_timeout)

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
            refuse_faults(self.work, error)
            return [self.label_or_key(entry) for entry in entries]

    def label_or_key(self, entry: Entry[Any]) -> str:
        try:
            with transaction.atomic():
                return self.label(entry[2])
        except Exception as error:  # noqa: BLE001  (as above)
            refuse_faults(self.work, error)
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


def items_for_hooks(hooks: int, items: int, seconds: float) -> int:
    """How many items the next chunk may have, when the hooks of this one took so long."""
    if not hooks or seconds < HOOKS_BUDGET:
        return LARGEST
    return max(1, int(items * HOOKS_BUDGET / seconds))
