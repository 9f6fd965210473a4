"""When a slice ends, and how: the looks between chunks say whether it is over; then the worker gives the part back, and
says when it is due again, or lets its run come to rest.
"""

import logging
import time
from enum import Enum

from headway.conf import conf
from headway.database.turns import BUDGET
from headway.states import Want
from headway.store.parts import leases, output, passes, shared_holds
from headway.store.parts.candidates import Candidates
from headway.store.parts.leases import Look
from headway.store.runs import control
from headway.store.runs.control import Reason

from .feed import Feed
from .holding import HoldsLost
from .in_hand import Work
from .telling import in_full
from .ways import Ways

log = logging.getLogger(__name__)

REST_AFTER_FAULTS_MS = 1_000
SHORTEST_SLICE = 0.25  # s: twenty runs that have never begun hold up a short one for two seconds
SHORTEST_CHUNK = 0.02  # s
LOOK_EVERY = 0.4  # s: a pause or a cancel is to be seen within a second, a long gap on SQLite included


class Ending(Enum):
    """What a slice came to, for the engine that delivered it."""

    DONE = "done"  # closed, or at rest as people wish: nothing to be delivered again
    GIVEN_BACK = "given back"  # due again: ring
    FENCED = "fenced"  # somebody else has it
    LOST = "lost"  # the database is gone: reclaim the part before anything else


class Endings:
    """A slice, as far as the clock and the database end it. Its methods raise Fenced, and errors of the database."""

    def __init__(self, work: Work, rivals: Candidates) -> None:
        self.work = work
        self.part = work.part
        self.should_stop = work.should_stop
        self.pulse = work.pulse
        self.rivals = rivals
        self.turns = work.turns
        self.began = time.monotonic()
        self.next_look = self.began + min(SHORTEST_SLICE, conf().busy_slice_seconds)
        self.winding_up = False
        self.owed = 0.0
        """Seconds for which others go first: a part that only waits for its rate would always be the least served."""
        self.ways: Ways | None = None

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

    def release(self) -> Ending:
        """Give the part back for the next slice."""
        self.settle()
        released = leases.leave(self.part) if self.should_stop() else leases.release(self.part, round(self.owed * 1000))
        return Ending.GIVEN_BACK if released else self.give_in()

    def set_back(self, error: Exception) -> Ending:
        """Give the part back for a while, because the database fails at one and the same place."""
        log.warning("part=%s run=%s event=set-back error=%r", self.part.pk, self.part.run_id, error)
        self.settle()
        return Ending.GIVEN_BACK if leases.set_back(self.part, REST_AFTER_FAULTS_MS, in_full(error)) else self.give_in()

    def lose_holds(self, lost: HoldsLost) -> Ending:
        """Give the part back, until the run has its names again."""
        log.warning("part=%s run=%s event=holds-lost reason=%r", self.part.pk, self.part.run_id, str(lost))
        self.settle()
        return Ending.GIVEN_BACK if shared_holds.lose(self.part) else self.give_in()

    def wait(self, seconds: float, reason: str) -> Ending:
        """Give the part back until so many seconds have passed."""
        log.warning("part=%s run=%s event=waits seconds=%s reason=%r", self.part.pk, self.part.run_id, seconds, reason)
        return self.come_back_in(seconds, reason)

    def come_back_in(self, seconds: float, reason: str) -> Ending:
        self.settle()
        return Ending.GIVEN_BACK if passes.wait(self.part, seconds, reason) else self.give_in()

    def give_in(self) -> Ending:
        """Give the part back because something else than to run is wanted."""
        self.settle()
        run = control.yield_part(self.part)
        return Ending.GIVEN_BACK if run.want == Want.RUN else Ending.DONE

    def settle(self) -> None:
        """Before the part is given back: end what is under way, keep what was said. Raises Fenced, and errors of the
        database."""
        if self.ways:
            self.ways.settle()
        if self.work.allowance:
            self.work.allowance.give_back()
        if said := self.work.said.lines[:]:
            output.keep_lines(self.part, said)
            self.work.said.stored(len(said))

    def halt(self, reason: Reason, wanted: Want = Want.PAUSE) -> Ending:
        """The run can't go on: say why, and let it come to rest."""
        self.settle()
        control.halt(self.part, wanted, reason)
        return Ending.DONE


def slice_seconds(served_ms: int, least_served_ms: int | None) -> float:
    """How long a slice of a part lasts: while one waits that was served less, as long as that one was served so far,
    within limits. So a new run waits for a moment only, parts that were served alike change seldom, and a short run
    among long ones goes on to its end."""
    if least_served_ms is None or served_ms < least_served_ms:
        return conf().slice_seconds
    return min(conf().busy_slice_seconds, max(SHORTEST_SLICE, least_served_ms / 1000))
