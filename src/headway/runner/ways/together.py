"""Many items in one transaction, as fast as their loop can go, and what is done when one of them fails.

Three steps, each dearer than the one before: plainly; with a savepoint around each; one per transaction. A chunk begins
plainly; when an item leaves something to undo, it is rolled back and its items are read again.
"""

import time
from typing import Any

from django.db import IntegrityError

from headway.database import is_broken
from headway.operations.outcomes import Interruption
from headway.runner.in_hand import refuse_faults
from headway.runner.limits import failures_at_once
from headway.runner.tally import Entries, Tally

from .savepoints import Singly, WithSavepoints
from .way import is_harmless

GUARDED_AFTER_FAILURE = 200  # items: while failures are this close, a replay of each chunk would cost more


class Replay(Exception):
    """An item left something to undo: roll the chunk back and go through it again with savepoints."""


class Together(WithSavepoints):
    """A chunk by the clock."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.singly = Singly(*given)
        self.single = 0  # items still to be done one per transaction
        self.guarded = 0  # items still to be done with savepoints

    def advance(self, budget: float) -> Tally:
        tally = self.singly.advance(budget) if self.single else self.several(budget)
        self.single = max(0, self.single - tally.done)
        if tally.undone:
            self.guarded = GUARDED_AFTER_FAILURE + tally.undone
        self.guarded = max(0, self.guarded - tally.done)
        return tally

    def several(self, budget: float) -> Tally:
        """Plainly, or with savepoints while failures are near."""
        try:
            if self.guarded:
                return self.commit(self.with_savepoints, budget, check_fence=True)
            return self.commit(self.plainly, budget)
        except Replay:
            self.guarded = GUARDED_AFTER_FAILURE
        except IntegrityError:  # of COMMIT, for a deferred constraint, which no savepoint can find
            self.single = self.commit.attempted
        self.feed.rewind()
        return Tally()

    def plainly(self, entries: Entries, tally: Tally, deadline: float) -> None:
        """Item after item. Raises Replay when one fails and is not clean."""
        work = self.work
        should_stop, monotonic = work.should_stop, time.monotonic
        pulse, guard, turns, do = work.pulse, work.guard, work.turns, self.do_one
        enough = failures_at_once(work.part, work.operation)
        pulse.begin(work.operation.item_timeout)
        for entry in entries:
            mark = guard.mark()
            try:
                do(work.operation, entry[2])
            except Exception as error:
                refuse_faults(work, error)
                if not guard.is_clean(mark) or not is_harmless(error, entry[2]):
                    raise Replay from error
                if isinstance(error, Interruption):
                    tally.interruption = error
                    return
                tally.count(entry, error)
                if tally.failed >= enough:
                    break
            else:
                tally.count(entry)
            pulse.began = now = monotonic()
            if now >= deadline or should_stop() or (now >= turns.next_look and turns.is_over(now)):
                break
        if is_broken():
            raise Replay  # an item swallowed an error of the database: nothing of this chunk could be committed
