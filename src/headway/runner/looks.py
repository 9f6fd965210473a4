"""The looks between chunks: whether something else than to run is wanted, and whether others have waited enough."""

import time

from headway.conf import conf
from headway.database.turns import BUDGET
from headway.states import Want
from headway.store.parts import leases
from headway.store.parts.candidates import Candidates
from headway.store.parts.leases import Look

from .ending import Ending, Endings
from .feed import Feed
from .in_hand import Work

SHORTEST_SLICE = 0.25  # s: twenty runs that have never begun hold up a short one for two seconds
SHORTEST_CHUNK = 0.02  # s
LOOK_EVERY = 0.4  # s: a pause or a cancel is to be seen within a second, a long gap on SQLite included


class Looks(Endings):
    """A slice, as far as the clock and the database end it."""

    def __init__(self, work: Work, rivals: Candidates) -> None:
        super().__init__(work)
        self.should_stop = work.should_stop
        self.pulse = work.pulse
        self.rivals = rivals
        self.turns = work.turns
        self.began = time.monotonic()
        self.next_look = self.began + min(SHORTEST_SLICE, conf().busy_slice_seconds)
        self.winding_up = False

    def look(self, feed: Feed) -> Ending | None:
        """Whether the slice is over; None: go on. What has been prepared is done first."""
        seen = self.see()
        if seen.want != Want.RUN:
            return self.give_in()
        only_waits = seen.least_served_ms is not None and self.has_mostly_waited
        usual = slice_seconds(self.part.served_so_far_ms, seen.least_served_ms)
        over_at = self.began + (SHORTEST_SLICE if only_waits else usual)
        if time.monotonic() < over_at:
            self.next_look = min(self.next_look, over_at)
            return None
        self.owed = time.monotonic() - self.began if only_waits else 0.0
        self.winding_up = True
        feed.wind_up()
        return None if feed.is_half_done else self.release()

    @property
    def has_mostly_waited(self) -> bool:
        """Whether most of this slice has passed with waiting for the rate alone."""
        allowance = self.work.allowance
        return allowance is not None and allowance.waited > (time.monotonic() - self.began) / 2

    def heed(self) -> Ending | None:
        """Whether something else than to run is wanted; None: go on."""
        return None if self.see().want == Want.RUN else self.give_in()

    def see(self) -> Look:
        """What is wanted, and who waits."""
        seen = leases.look(self.part, self.rivals)
        self.next_look = time.monotonic() + LOOK_EVERY
        return seen

    @property
    def budget(self) -> float:
        """Seconds that the next chunk may take: not past the next look."""
        return min(BUDGET, max(SHORTEST_CHUNK, self.next_look - time.monotonic()))

    def heed_lack(self, feed: Feed) -> Ending | None:
        """Whether to wait no longer for a chunk's first item; None: wait on."""
        allowance = self.work.allowance
        if allowance is None or allowance.ready:
            # Whoever waits for the item itself gives way to no other run, or it would never come.
            return self.heed()
        if ending := self.look(feed):
            return ending
        if feed.is_half_done or not allowance.far_in:
            return None
        return self.come_back_in(allowance.far_in, allowance.why_far)


def slice_seconds(served_ms: int, least_served_ms: int | None) -> float:
    """How long a slice of a part lasts: while one waits that was served less, as long as that one was served so far,
    within limits. So a new run waits for a moment only, parts that were served alike change seldom, and a short run
    among long ones goes on to its end."""
    if least_served_ms is None or served_ms < least_served_ms:
        return conf().slice_seconds
    return min(conf().busy_slice_seconds, max(SHORTEST_SLICE, least_served_ms / 1000))
