"""A chunk's transaction: items, their outcomes and the checkpoint. How the items are done is their way's business."""

import time
from collections import Counter
from collections.abc import Callable

from django.db import connection

from headway.conf import conf
from headway.database import Hooks, write_beside_project
from headway.database.waiting import WORKER
from headway.models import ItemState, Part
from headway.signals import run_changed
from headway.states import Counts, keep_pace, summed
from headway.store.parts import checkpoints, discoveries, outcomes, output, passes
from headway.store.parts.checkpoints import Checkpoint
from headway.store.parts.outcomes import Outcome

from . import limits
from .feed import LARGEST, Feed
from .in_hand import Work
from .reading import attempts_before, is_verdict
from .tally import Entries, Tally
from .verdicts import Verdicts

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
        self.verdicts = Verdicts(work)
        self.since = time.monotonic()  # what has passed since then isn't in the part's `worked_ms`
        self.claimed = self.since  # when the database's clock stood at `part.changed`
        self.claimed_ms = work.part.changed

    def __call__(
        self, do: Do, budget: float, *, most: int | None = None, check_fence: bool = False, begins: bool = True
    ) -> Tally:
        """`do` what the feed gives and commit what came of it with the checkpoint; nothing when the feed has ended.

        `begins`: whether items are begun, which the operation's rate must allow.

        Raises Fenced, OperationError, what `do` raises, IntegrityError when COMMIT refuses the chunk for a deferred
        constraint, and errors of the database that say nothing about an item.
        """
        work, tally = self.work, Tally(again=[] if self.part.phase else None)
        hooks = Hooks(lambda: work.pulse.begin(work.operation.item_timeout))
        began = time.monotonic()
        try:
            with write_beside_project(kind=WORKER):
                deadline = work.turns.begin(budget)
                with work.trial():
                    with connection.execute_wrapper(work.guard):
                        if check_fence:
                            checkpoints.check_fence(self.part)
                        entries = self.feed.entries(most or self.most_now(), deadline)
                        if begins and self.work.paces_process:
                            entries = self.allowed(entries)
                        self.do_items(do, entries, tally, deadline)
                    self.attempted = tally.done
                    if not tally.done and tally.flight is None:
                        return tally
                    written = self.verdicts.outcomes_of(tally.ended)
                outcomes.forget(tally.again or [])
                outcomes.record(self.part, written)
                outcomes.record_results(self.part, self.verdicts.results_of(tally))
                self.write_rows(tally)
                output.write_lines(self.part, said := work.said.lines[:])
                renew = time.monotonic() - work.pulse.renewed > self.renew_after
                checkpoint = self.checkpoint(tally, written, added=self.note_found(tally))
                if spared := limits.spared(self.part.faults_in_a_row, checkpoint.faults_in_a_row):
                    checkpoint = passes.uncount(self.part, spared, checkpoint)
                checkpoints.write_checkpoint(self.part, checkpoint, renew=renew)
                if not work.operation.is_outside():  # whose effects have happened by now
                    work.holding.confirm()
                hooks.take_over()
                committing = time.monotonic()
        except BaseException:
            work.said.forget()
            raise
        finally:
            work.pulse.rest()
        work.said.stored(len(said))
        self.most = items_for_hooks(hooks.count, tally.done, time.monotonic() - committing)
        self.move(checkpoint, renewed=began if renew else None)
        self.feed.keep(tally.done, committing - began, budget)
        if self.part.run.dry_run:
            self.feed.forget()
        run_changed.send_robust(sender=Part, run_id=self.part.run_id)
        if hooks.failed:
            checkpoints.note_failed_hooks(self.part, hooks.failed)
            self.part.seq += 1
        return tally

    def do_items(self, do: Do, entries: Entries, tally: Tally, deadline: float) -> None:
        """Let the way do them; what they write, and what is kept of them, goes into the tally, and is lost with it."""
        entries = self.numbered(entries) if self.part.phase else entries
        entries = tally.see(entries) if self.work.operation.keep_results else entries
        self.work.tally = tally
        try:
            do(entries, tally, deadline)
        finally:
            self.work.tally = None

    def write_rows(self, tally: Tally) -> None:
        """Store the rows of the run's file that these items have written."""
        file = self.work.operation.file
        if file is not None and (rows := tally.of_succeeded(tally.rows)):
            output.write_rows(self.part, file.columns, [line for _, line in rows])

    def note_found(self, tally: Tally) -> int:
        """Store the items that these have added; gives how many of them are new to the run."""
        if not (tally.found and (found := tally.of_succeeded(tally.found))):
            return 0
        return discoveries.note(self.part.run, self.part, sorted({key for _, keys in found for key in keys}))

    def allowed(self, entries: Entries) -> Entries:
        """Those for which the rate has a moment now."""
        allowance = self.work.allowance
        for entry in entries:
            if allowance and not is_verdict(entry[2]) and allowance.take() is None:
                self.feed.ended = False
                return
            yield entry

    def numbered(self, entries: Entries) -> Entries:
        """In a later pass: the same, and before each the operation is told which attempt it is."""
        for entry in entries:
            self.work.operation.attempt = 1 + attempts_before(self.part, entry)
            yield entry

    def most_now(self) -> int:
        """Items that the next chunk may have at most."""
        most = min(self.most, limits.most_at_once(self.part, self.work.operation))
        if self.work.allowance and self.work.paces_process:
            # One more than may begin: it isn't handed out, but where there is none, the end is found without a wait.
            most = min(most, self.work.allowance.ready + 1)
        return most

    def left_out(self, verdict: Exception) -> Tally:
        """Let the next item end so, without running it."""

        def leave(entries: Entries, tally: Tally, deadline: float) -> None:
            for entry in entries:
                tally.count(entry, verdict)
                return

        return self(leave, 0, most=1, begins=False)

    def checkpoint(self, tally: Tally, written: list[Outcome], added: int) -> Checkpoint:
        """How the part stands with this chunk."""
        codes = Counter(outcome.code for outcome in written if outcome.state == ItemState.FAILED)
        states = Counter(outcome.state for outcome in written)
        failed, skipped, retrying = (
            states[state] for state in (ItemState.FAILED, ItemState.SKIPPED, ItemState.RETRYING)
        )
        part, now = self.part, time.monotonic()
        counts = Counts(
            part.succeeded + tally.done - failed - skipped - retrying,
            part.failed + failed,
            part.skipped + skipped,
        )
        worked, self.since = now - self.since - self.work.waited(), now
        return Checkpoint(
            cursor=tally.cursor,
            counts=counts,
            worked_ms=part.worked_ms + round(worked * 1000),
            suspected=max(0, part.suspected - tally.done),
            careful=max(0, part.careful - tally.done),
            pace=keep_pace(part.pace, self.now_ms, counts.processed),
            message=self.work.message,
            retrying=part.retrying + retrying - len(tally.again or ()),
            added=part.added + added,
            faults_in_a_row=self.verdicts.faults_in_a_row(tally),
            failures=summed(part.failures, codes) if codes else None,
            flight=tally.flight,
        )

    @property
    def now_ms(self) -> int:
        """The database's clock, as far as the claim tells."""
        return self.claimed_ms + round((time.monotonic() - self.claimed) * 1000)

    def move(self, checkpoint: Checkpoint, renewed: float | None) -> None:
        """The part in memory follows the one in the database."""
        part = self.part
        for name, value in checkpoint.columns.items():
            setattr(part, name, value)
        part.seq += 1
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
