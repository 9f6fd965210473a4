"""Items whose effects are outside: done on threads, with no transaction around them.

One thread owns the database. A transaction settles what came back, and writes down what is begun next; only then do the
calls go out. So after a crash each item that may have gone out is on record.
"""

import math
from typing import Any

from headway.database import back_off, is_transient
from headway.operations.base import Operation
from headway.runner.flight import Flight
from headway.runner.slots import Turn
from headway.runner.tally import Entries, Tally

from .way import Way


class Outside(Way):
    """A window of calls."""

    feed: Flight

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.turn: Turn

    @classmethod
    def fits(cls, operation: Operation) -> bool:
        return operation.is_outside()

    def advance(self, budget: float) -> Tally:
        if not self.feed.winding_up:
            self.work.holding.confirm()
        tally = self.commit(self.settle_and_begin, budget)
        if tally.flight is not None:
            self.feed.move(self.turn, tally.flight)
        return tally

    def settle_and_begin(self, entries: Entries, tally: Tally, deadline: float) -> None:
        """In one transaction."""
        self.turn = self.feed.turn(tally)
        flight = self.turn.flight()
        if self.turn.stands or flight != self.feed.written:
            tally.cursor, tally.flight = self.turn.cursor(self.work.part.cursor), flight

    def settle(self) -> None:
        """Wait for what is under way, and commit it. Raises Fenced, and errors of the database."""
        self.feed.wind_up()
        faults = 0
        while self.feed.is_half_done:
            self.feed.ready(math.inf)
            try:
                self.advance(0)
            except Exception as error:
                faults += 1
                if faults > 5 or not is_transient(error):
                    raise
                back_off(faults)


Outside.careful = Outside  # each item is on record before it is begun, whoever has died
