"""How long a chunk may hold the database, and how writers take turns.

SQLite has one write lock. A worker lets go of it as soon as another writer waits (`waiting`). A program that says
nothing polls by SQLite's own handler, at up to 100 ms; for it, all workers of a host leave the lock alone at one
moment, now and then.
"""

import math
import time

from django.db import connection

from .waiting import WORKER, is_awaited

BUDGET = 0.400  # s of transaction: the checkpoint's 2 ms are then half a percent
LOOK_EVERY = 0.005  # s between two looks for writers that wait
BLIND = 0.050  # s of the write lock that a chunk may take which looks up only at its end
SHARE = 0.100  # s that a chunk lasts at least while only another worker waits
ENTRY = 0.050  # s that the writers that wait are given to begin
UNHEARD = 0.200  # s that the worker goes on if some still wait then: they are very many, or frozen
LONG_GAP, LONG_GAP_EVERY = 0.110, 2.0  # s: longer than SQLite's longest back-off, so that every writer begins


class Turns:
    """The budget of the next chunk, and the gap after it, for the default connection."""

    def __init__(self) -> None:
        self.takes_turns = connection.vendor == "sqlite"
        self.blind = BLIND if self.takes_turns else BUDGET
        """Seconds that a chunk may take which looks up only at its end."""
        self.began = time.monotonic()
        self.next_look = math.inf
        """`monotonic` from which on `is_over` should be asked."""
        self.long_gap_due = next_long_gap(self.began - LONG_GAP) if self.takes_turns else math.inf  # it may be going on
        self.unheard_until = -math.inf
        self.is_full = False
        self.counted = self.began  # the end of the last long gap; `rested` counts from there
        self.rested = 0.0  # s for which this worker has held no lock

    def begin(self, budget: float) -> float:
        """A chunk has begun, with the write lock; gives its deadline (`monotonic`)."""
        self.began, self.is_full = time.monotonic(), False
        self.next_look = self.began + LOOK_EVERY if self.takes_turns else math.inf
        return min(self.began + budget, self.long_gap_due)

    def fill(self) -> None:
        """What the chunk has to write is enough: it ends behind the item in hand."""
        self.is_full, self.next_look = True, -math.inf

    def is_over(self, now: float) -> bool:
        """Whether the chunk is full, or another writer waits; asked every few milliseconds of a chunk."""
        self.next_look = now + LOOK_EVERY
        if self.is_full:
            return True
        if now < self.unheard_until:
            return False
        return is_awaited() or (now - self.began > SHARE and is_awaited(WORKER))

    def rest(self, seconds: float) -> None:
        """The worker has held no lock for these seconds: that was a gap as well."""
        self.rested += seconds

    def give_way(self) -> None:
        """Between two chunks: let in the writers that wait; and all others, now and then."""
        if not self.takes_turns:
            return
        now = time.monotonic()
        if now >= self.long_gap_due:
            if self.rested < (now - self.counted) / 2:  # else a program that polls has met a gap more often than not
                time.sleep(self.long_gap_left(now))
            self.counted, self.rested = time.monotonic(), 0.0
            self.long_gap_due = next_long_gap(self.counted)
        if now >= self.unheard_until:
            self.let_in()

    def let_in(self) -> None:
        """Wait until no other writer waits, but no longer than they need to begin."""
        until = time.monotonic() + ENTRY
        while is_awaited() or is_awaited(WORKER):
            if time.monotonic() > until:
                self.unheard_until = until + UNHEARD
                return
            time.sleep(0.001)  # nothing tells when the last of them has begun

    def long_gap_left(self, now: float) -> float:
        """Seconds of the long gap that is due: it ends for all at one moment, unless an item has made it late."""
        late = now - self.long_gap_due
        return LONG_GAP - late if late < LONG_GAP / 2 else LONG_GAP


def next_long_gap(moment: float) -> float:
    """When the first one after this moment begins, for all workers of the host: `time.monotonic` is one clock there."""
    return moment - moment % LONG_GAP_EVERY + LONG_GAP_EVERY
