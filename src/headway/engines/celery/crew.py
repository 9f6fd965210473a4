"""A process that answers bells: who it is, what it has in hand, and whether it is to stop. One thread or several.

Knows nothing of Celery, of how it came to be or of how it will end.
"""

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import Error

from headway import database, runner
from headway.engines.claimant import Claimant
from headway.models import Part

from . import doorbell
from .kept import kept_connection

__all__ = ["Crew"]

log = logging.getLogger(__name__)


class Crew:
    """All threads of this process that answer bells, under one name."""

    def __init__(self, worker: str, queues: Sequence[str]) -> None:
        self.worker = worker
        self.queues = queues
        self.stopping = threading.Event()
        self.at_work: list[Claimant] = []
        self.free: dict[str, list[Claimant]] = {}

    def answer(self, queue: str) -> None:
        """Advance for a slice whatever of this queue should go next, and ring again for what is left of it.

        While nobody can be rung for, go on with the next slice.
        """
        if self.stopping.is_set():
            doorbell.strike(queue)  # it came too late for us
            return
        with kept_connection(), self.claimant(queue) as claimant:
            while (turned := turn(claimant)) is not None:
                part, ending = turned
                if ending is not runner.Ending.GIVEN_BACK or is_passed_on(part):
                    return

    @contextmanager
    def claimant(self, queue: str) -> Iterator[Claimant]:
        """One for this thread."""
        free = self.free.setdefault(queue, [])
        try:
            claimant = free.pop()
        except IndexError:
            claimant = self.hire(queue)
        self.at_work.append(claimant)
        try:
            yield claimant
        finally:
            self.at_work.remove(claimant)
            free.append(claimant)

    def hire(self, queue: str) -> Claimant:
        """One who claims what is of this queue."""
        return Claimant(
            self.worker,
            should_stop=self.stopping.is_set,
            wait=self.rest,
            picks=len(self.at_work) + sum(map(len, self.free.values())),
            queue_names=[queue],
        )

    def rest(self, seconds: float) -> None:
        """Until we are asked to stop, but no longer than so."""
        self.stopping.wait(seconds)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is in hand."""
        return not self.at_work

    @property
    def is_hung(self) -> bool:
        """Whether something in hand has outlasted its limit."""
        return any(claimant.pulse.is_hung for claimant in list(self.at_work))


def turn(claimant: Claimant) -> tuple[Part, runner.Ending] | None:
    """A turn; the connection that was kept may have been lost since, so once more with a new one."""
    try:
        return claimant.turn()
    except Error as error:
        log.info("worker=%s event=reconnect error=%r", claimant.worker, error)
        database.forget()
    try:
        return claimant.turn()
    except Error as error:
        log.warning("worker=%s event=database-lost error=%r", claimant.worker, error)
        database.forget()
        return None


def is_passed_on(part: Part) -> bool:
    """Whether a bell could be rung for what was given back."""
    try:
        doorbell.ring(part.run.operation)
    except Exception as error:  # noqa: BLE001  (whatever is wrong with the broker, the run can go on here)
        log.warning("operation=%s event=doorbell-failed error=%r", part.run.operation, error)
        return False
    return True
