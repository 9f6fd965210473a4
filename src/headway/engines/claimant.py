"""What every engine's worker does once it is awake: it claims a part and has it advanced."""

import logging
import random
from collections.abc import Callable, Collection

from django.db import Error

from headway import database, runner
from headway.models import Part
from headway.store.parts import leases
from headway.store.parts.candidates import candidates

from . import queues
from .engine import ring

log = logging.getLogger(__name__)


class Claimant:
    """Claims a part and has the runner advance it for a slice; one thread at a time."""

    def __init__(
        self,
        worker: str,
        *,
        should_stop: Callable[[], bool],
        wait: Callable[[float], None],
        picks: int = 0,
        queue_names: Collection[str] = (),
    ) -> None:
        self.worker = worker
        self.should_stop = should_stop
        self.wait = wait
        """Called with seconds when the database is gone; returns at the latest then, or when it is to stop."""
        self.candidates = candidates(queues.among(queue_names) if queue_names else None)
        self.picks = picks  # neighbours begin on different feet, so that they don't all go by age at once
        self.pulse = runner.Pulse()

    def turn(self) -> tuple[Part, runner.Ending] | None:
        """A part that was due and what its slice came to; None when nothing is due. Raises the database's errors."""
        self.picks += 1
        part = leases.claim(self.worker, self.picks, self.candidates)
        return None if part is None else (part, self.advance(part))

    def answer(self) -> str:
        """Answer a message: a turn, and a ring for what is left of it. Gives what that came to, for people to read.

        While no ring can be sent, another slice follows. The connection is closed: its session has a name and limits
        (PostgreSQL) that the project's own tasks must not have.
        """
        try:
            while turned := self.turn():
                part, ending = turned
                if ending is not runner.Ending.GIVEN_BACK or ring(part.run.operation) or self.should_stop():
                    return f"{part.run.operation} {part.run_id}: {ending.value}"
            return "nothing was due"
        except Error as error:
            log.warning("worker=%s event=database-lost error=%r", self.worker, error)
            return "the database was lost"
        finally:
            database.forget()

    def advance(self, part: Part) -> runner.Ending:
        """The slice; after a lost connection, as much of it as is still ours."""
        ending = runner.work(part, self.should_stop, self.pulse, self.candidates)
        while ending is runner.Ending.LOST and not self.should_stop():
            self.wait(random.uniform(0.2, 0.5))
            try:
                mine = leases.reclaim(part)
            except Error:
                database.forget()
                continue  # not back yet; when our lease has run out meanwhile, `reclaim` will say so
            if mine is None:
                return runner.Ending.FENCED
            ending = runner.work(mine, self.should_stop, self.pulse, self.candidates)
        return ending
