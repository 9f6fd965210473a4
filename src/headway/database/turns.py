"""How long a chunk may hold the database, and how writers take turns.

SQLite has one write lock for everybody and no queue for it: whoever waits polls, by SQLite's own handler at up to
100 ms, and a worker that takes the lock again within microseconds starves them all. So do several, each of which fills
the gaps of the others: their long gaps are at the same moment.
"""

import time

from django.db import connection

from .writing import data_version

__all__ = ["Turns", "note_own_write"]

POSTGRESQL_BUDGET = 0.400  # s of transaction: the checkpoint's 2 ms are then half a percent
SQLITE_BUDGET, SQLITE_GAP = 0.050, 0.005  # s, while nobody else writes
SHARED_BUDGET, SHARED_GAP = 0.020, 0.004  # s, while others write: a web request waits for at most one chunk
SHARED_LONG_GAP = 0.180  # s from the moment at which it is due: two others' chunks, and a long gap
SHARED_FOR = 1.0  # s after another's last write in which others count as writing
LONG_GAP, LONG_GAP_EVERY = 0.110, 1.2  # s: longer than SQLite's longest back-off, so that every waiter gets its turn


own_writes = 0


def note_own_write() -> None:
    """Another thread of this process has written for the run that is worked here: it needs no turn of its own."""
    global own_writes
    own_writes += 1


class Turns:
    """The budget of the next chunk, and the gap after it, for the default connection."""

    def __init__(self) -> None:
        self.takes_turns = connection.vendor == "sqlite"
        self.version = data_version() if self.takes_turns else 0
        self.own_writes = own_writes
        self.others_wrote = float("-inf")
        self.began = time.monotonic()  # our turn: since the last gap
        self.long_gap_due = next_long_gap(self.began - LONG_GAP)  # which may be going on
        self.counted = self.began  # since when, and so the last long gap, we count for how long we hold nothing
        self.rested = 0.0  # s

    @property
    def budget(self) -> float:
        """Seconds that the next chunk's transaction may take."""
        if not self.takes_turns:
            return POSTGRESQL_BUDGET
        return SHARED_BUDGET if self.shared else SQLITE_BUDGET

    @property
    def shared(self) -> bool:
        """Whether somebody else has written lately."""
        return time.monotonic() - self.others_wrote < SHARED_FOR

    def rest(self, seconds: float) -> None:
        """We have held nothing for so long, whatever we did instead: that was a gap as well."""
        self.rested += seconds
        if seconds >= SQLITE_GAP:
            self.began = time.monotonic()

    def give_way(self) -> None:
        """Between two chunks: let others write, once our turn is over; chunks of single items share one turn."""
        if not self.takes_turns:
            return
        now = time.monotonic()
        if (version := data_version()) != self.version:
            self.version = version
            if own_writes == self.own_writes:
                self.others_wrote = now  # else it may have been our own thread; a stranger writes again soon
            self.own_writes = own_writes
        if now >= self.long_gap_due:
            if self.rested < (now - self.counted) / 2:  # else whoever polls has met us resting more often than not
                time.sleep(self.long_gap_left(now))
            self.counted, self.rested = time.monotonic(), 0.0
            self.long_gap_due = next_long_gap(self.counted)
        elif now - self.began < self.budget:
            return
        else:
            time.sleep(SHARED_GAP if self.shared else SQLITE_GAP)
        self.began = time.monotonic()

    def long_gap_left(self, now: float) -> float:
        """Seconds of the long gap that is due. While others write, it ends for all at one moment: each of those that
        wait for the lock as it begins still does a chunk."""
        return max(0.0, self.long_gap_due + SHARED_LONG_GAP - now) if self.shared else LONG_GAP


def next_long_gap(moment: float) -> float:
    """When the first one after this moment begins, for all workers of the host: `time.monotonic` is one clock there."""
    return moment - moment % LONG_GAP_EVERY + LONG_GAP_EVERY
