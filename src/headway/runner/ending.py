"""How a slice ends: the worker gives the part back, and says when it is due again, or lets its run come to rest."""

import logging
from enum import Enum

from headway.states import Want
from headway.store.parts import leases, lines, passes, shared_holds
from headway.store.runs import control
from headway.store.runs.control import Reason

from .holding import HoldsLost
from .in_hand import Work
from .ways import Ways

log = logging.getLogger(__name__)

REST_AFTER_FAULTS_MS = 1_000


class Ending(Enum):
    """What a slice came to, for the engine that delivered it."""

    DONE = "done"  # closed, or at rest as people wish: nothing to be delivered again
    GIVEN_BACK = "given back"  # due again: ring
    FENCED = "fenced"  # somebody else has it
    LOST = "lost"  # the database is gone: reclaim the part before anything else


class Endings:
    """The ways in which a slice of a part ends. Each raises Fenced, and errors of the database."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.part = work.part
        self.owed = 0.0
        """Seconds for which others go first: a part that only waits for its rate would always be the least served."""
        self.ways: Ways | None = None

    def release(self) -> Ending:
        """Give the part back for the next slice."""
        self.settle()
        return Ending.GIVEN_BACK if leases.release(self.part, round(self.owed * 1000)) else self.give_in()

    def set_back(self, error: Exception) -> Ending:
        """Give the part back for a while, because the database fails at one and the same place."""
        log.warning("part=%s run=%s event=set-back error=%r", self.part.pk, self.part.run_id, error)
        self.settle()
        return Ending.GIVEN_BACK if leases.set_back(self.part, REST_AFTER_FAULTS_MS) else self.give_in()

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
            lines.keep_lines(self.part, said)
            self.work.said.stored(len(said))

    def halt(self, reason: Reason, wanted: Want = Want.PAUSE) -> Ending:
        """The run can't go on: say why, and let it come to rest."""
        self.settle()
        control.halt(self.part, wanted, reason)
        return Ending.DONE
