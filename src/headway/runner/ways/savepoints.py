"""Item after item, each inside a savepoint, so that a failing one undoes itself alone; and one item per transaction,
where COMMIT refuses a chunk, or an item may kill its worker."""

import time

from django.db import IntegrityError, transaction
from django.db.transaction import TransactionManagementError

from headway.database import is_broken
from headway.operations.outcomes import Interruption
from headway.runner.in_hand import refuse_faults
from headway.runner.limits import failures_at_once
from headway.runner.tally import Entries, Tally
from headway.store.parts import checkpoints

from .way import Way, is_harmless

BROKEN = (
    "process() caught an error of the database and went on, but its transaction can't: what it wrote would be lost. "
    "Put the statement that may fail into a `with transaction.atomic():` of its own, inside the `try`."
)


class WithSavepoints(Way):
    """A way that can do items so."""

    def with_savepoints(self, entries: Entries, tally: Tally, deadline: float) -> None:
        """Until the deadline, or until the run is to stop."""
        work, turns = self.work, self.work.turns
        enough = failures_at_once(work.part, work.operation)
        work.pulse.begin(work.operation.item_timeout)
        for entry in entries:
            mark = work.guard.mark()
            try:
                with transaction.atomic():
                    self.do(entry[2])
                    if is_broken():
                        raise TransactionManagementError(BROKEN)
            except Interruption as interruption:
                tally.interruption = interruption
                return
            except Exception as error:
                refuse_faults(work, error)
                if is_broken():
                    raise  # not even its savepoint could be rolled back
                tally.count(entry, error)
                harmless = is_harmless(error, entry[2])
                if not harmless:
                    tally.undone = tally.done
                if not (harmless and work.guard.is_clean(mark)):
                    self.feed.renew()
            else:
                tally.count(entry)
            work.pulse.began = now = time.monotonic()
            if now >= deadline or work.should_stop() or (now >= turns.next_look and turns.is_over(now)):
                return
            if tally.failed >= enough:
                return


class Singly(WithSavepoints):
    """A transaction for each item; when its COMMIT is refused, the item has failed."""

    refused: IntegrityError | None = None
    """With which COMMIT refused the item that comes next."""

    def advance(self, budget: float) -> Tally:
        if self.refused:
            error, self.refused = self.refused, None
            return self.commit.left_out(error)
        self.begin()
        try:
            return self.commit(self.with_savepoints, 0, most=1)
        except IntegrityError as error:
            self.refused = error
        self.feed.rewind()
        return Tally()

    def begin(self) -> None:
        """What comes before an item."""


class Careful(Singly):
    """The same, once it is on record that the item may be the one that kills."""

    def begin(self) -> None:
        part = self.work.part
        checkpoints.begin_item(part)
        part.seq += 1
        self.feed.prepare_one()
