"""All items of a chunk by one call of `process_chunk`.

A chunk that fails is rolled back, and its first half is done instead: so down to a single item, which alone can tell
how it ended. Behind it chunks grow again.
"""

import time
from contextvars import copy_context
from typing import Any

from django.db import IntegrityError

from headway.database import is_broken
from headway.operations.base import Operation
from headway.operations.outcomes import Interruption
from headway.operations.sources.table import TableSource
from headway.runner.feed import LARGEST, held_in
from headway.runner.in_hand import Work, refuse_faults
from headway.runner.loading import OperationError
from headway.runner.reading import VERDICTS, is_verdict
from headway.runner.tally import Entries, Tally

from .savepoints import Careful, Singly, WithSavepoints
from .way import Way

FIRST = 100  # items, before it is known how many a budget holds
GROWTH = 4  # from one chunk to the next: what a chunk takes needn't grow with its items


ADVICE = "It must return nothing, or pairs of a row of its chunk and what that row ended with: [(row, Reject(…))]."


class Failed(Exception):
    """A chunk's call has failed; which item it was for, only smaller chunks can tell."""


class OneItem(WithSavepoints):
    """A way through single items: each is a chunk's only one, and what the call raises is its verdict."""

    def do(self, item: Any) -> None:
        if is_verdict(item):
            raise item
        for verdict in call(self.work, [item]).values():
            raise verdict


class SinglyInSets(OneItem, Singly):
    """One item per transaction."""


class CarefulInSets(OneItem, Careful):
    """The same after its workers have died."""


class SetBased(Way):
    """Chunks that grow towards the time that one may take."""

    careful = CarefulInSets

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.singly = SinglyInSets(*given)
        self.size = FIRST
        self.suspects = 0  # among so many items ahead, one makes its chunk fail

    @classmethod
    def fits(cls, operation: Operation) -> bool:
        return operation.declares("process_chunk")

    def advance(self, budget: float) -> Tally:
        size = min(self.size, self.suspects // 2 or 1) if self.suspects else self.size
        size = min(size, self.commit.most_now())
        return self.several(size, budget) if size > 1 else self.one(budget)

    def one(self, budget: float) -> Tally:
        """A single item, in a transaction of its own."""
        tally = self.singly.advance(budget)
        if tally.ended:
            self.suspects, self.size = 0, 1  # found; where there is one, there may be more
        elif tally.done:
            self.suspects = max(0, self.suspects - 1)
            self.size = max(self.size, GROWTH)
        return tally

    def several(self, size: int, budget: float) -> Tally:
        """So many items at most, all or none."""
        began = time.monotonic()
        try:
            tally = self.commit(self.together, budget, most=size)
        except Failed as failed:
            self.halve()
            interruption = failed.__cause__
            return Tally(interruption=interruption if isinstance(interruption, Interruption) else None)
        except IntegrityError:  # of COMMIT
            self.halve()
            return Tally()
        if self.suspects:
            self.suspects = max(0, self.suspects - tally.done)
        elif tally.done:
            pace = (time.monotonic() - began) / tally.done
            self.size = min(LARGEST, tally.done * GROWTH, held_in(min(budget, self.work.turns.blind), pace))
        return tally

    def halve(self) -> None:
        self.suspects = max(1, self.commit.attempted)
        self.feed.rewind()

    def together(self, entries: Entries, tally: Tally, deadline: float) -> None:
        """The items by one call. Raises Failed."""
        chunk = list(entries)
        if not chunk:
            return
        self.commit.attempted, tally.in_sets = len(chunk), True
        items = [item for _, _, item in chunk if not isinstance(item, VERDICTS)]
        told = self.verdicts(items) if items else {}
        if not told and len(items) == len(chunk):
            tally.count_all(chunk)
            return
        for entry in chunk:
            item = entry[2]
            tally.count(entry, item if is_verdict(item) else told.get(mark(self.work, item)))

    def verdicts(self, items: list[Any]) -> dict[Any, Exception]:
        """As `call`. Raises Failed."""
        self.work.pulse.begin(self.work.operation.item_timeout)
        try:
            told = call(self.work, items)
        except Exception as error:
            refuse_faults(self.work, error)
            raise Failed from error
        if is_broken():
            raise Failed  # it swallowed an error of the database: nothing of this chunk could be committed
        return told


def call(work: Work, items: list[Any]) -> dict[Any, Exception]:
    """Let the operation do these items; gives the verdicts that it returns, by the items' marks.

    Raises what `process_chunk` raises, and OperationError when it returns anything else.
    """
    source = work.source
    rows = source.rows_of(items) if isinstance(source, TableSource) else list(items)
    returned = copy_context().run(work.operation.process_chunk, rows)
    if returned is None:
        return {}
    marks = {mark(work, item) for item in items}
    told: dict[Any, Exception] = {}
    try:
        for row, verdict in returned:
            told[mark(work, row)] = verdict
    except (TypeError, ValueError) as error:
        raise OperationError(f"process_chunk returned {returned!r:.200}. {ADVICE}") from error
    for key, verdict in told.items():
        if key not in marks or not isinstance(verdict, Exception) or isinstance(verdict, Interruption):
            raise OperationError(f"process_chunk returned a pair with {verdict!r:.200}. {ADVICE}")
    return told


def mark(work: Work, row: Any) -> Any:
    """What tells the row from the others of its chunk."""
    return work.source.value_of(row) if isinstance(work.source, TableSource) else id(row)
