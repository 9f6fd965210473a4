"""What goes on beside the work in each process of a worker: it is told to stop, ends itself when it hangs, and rings
for what is due. Two threads: the one that watches never waits for the database.
"""

import logging
import os
import random
import signal
import threading
import time
from pathlib import Path

from django.db import Error, connections

from headway.engines import reaping
from headway.engines.presence import Presence, bury
from headway.store.parts import workers

from .crew import Crew
from .lifeline import Lifeline

__all__ = ["Watch"]

log = logging.getLogger(__name__)

TICK = 0.25  # s between two looks at what is in hand
SHORT_TICK = 0.01  # s between them when somebody waits for it
ROUND = 1.0  # s between two rounds, a little less at random, so that processes don't go all at once


class Watch:
    """The threads of a process."""

    def __init__(self, crew: Crew, siblings: str, lifeline: Lifeline | None, *, is_child: bool) -> None:
        self.crew = crew
        self.siblings = siblings
        """How the names begin of all processes of this worker."""
        self.lifeline = lifeline
        self.is_child = is_child
        """Whether this process can be ended alone, since its parent will replace it."""
        self.presence = Presence(crew.worker)
        self.handed_over = False
        self.alive: list[int] = []
        """The process ids of siblings that were there in the last round."""

    def start(self) -> None:
        """Until the process ends."""
        for work in (self.keep_watch, self.go_rounds):
            threading.Thread(target=work, name=f"headway-{work.__name__}", daemon=True).start()

    def keep_watch(self) -> None:
        """Learn that we are to stop, and end what hangs."""
        reported = False
        while True:
            self.heed_lifeline()
            if not self.crew.is_hung:
                reported = False
            elif self.is_child:
                log.error("worker=%s event=killed reason=hung", self.crew.worker)
                os.kill(os.getpid(), signal.SIGKILL)  # a thread can't be ended; the pool replaces the process
            elif not reported:
                reported = True
                log.error(
                    "worker=%s event=hung advice='use the prefork pool: it replaces what hangs'", self.crew.worker
                )

    def heed_lifeline(self) -> None:
        """For a tick: learn that we are to stop and, once we are, tell as soon as nothing is in hand any more."""
        if self.lifeline is None or self.handed_over:
            time.sleep(TICK)  # nothing to be heard: only the look at what hangs is left to be paced
        elif not self.crew.stopping.is_set():
            if self.lifeline.is_cut(TICK):
                self.crew.stopping.set()
        elif self.crew.is_idle:
            self.lifeline.hand_over()
            self.handed_over = True
        else:
            time.sleep(SHORT_TICK)  # the parent waits for us

    def go_rounds(self) -> None:
        """Tell that we are there, bury siblings, ring for what is due."""
        while not self.crew.stopping.is_set():
            try:
                self.go_round()
            except Error as error:
                log.warning("worker=%s event=database-lost error=%r", self.crew.worker, error)
                connections.close_all()
            except Exception as error:  # noqa: BLE001  (a broker that is gone: the next round may find it back)
                log.warning("worker=%s event=reaping-failed error=%r", self.crew.worker, error)
            self.rest(ROUND * random.uniform(0.7, 1.0))
        connections.close_all()

    def rest(self, seconds: float) -> None:
        """Until the next round: so long, or until we are to stop or a sibling dies."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and not self.crew.stopping.wait(TICK) and all(map(is_there, self.alive)):
            pass

    def go_round(self) -> None:
        """Raises the database's errors, and those of the broker's client."""
        if self.is_child:
            self.bury_siblings()
        if self.crew.is_idle:
            reaping.reap(self.crew.queues)
        self.presence.tell()

    def bury_siblings(self) -> None:
        """Make due what processes of this worker owned that are gone; the pool has replaced them, perhaps by us."""
        pids = {worker: int(worker.removeprefix(self.siblings)) for worker in workers.named(self.siblings)}
        self.alive = [pid for pid in pids.values() if is_there(pid)]
        for worker, pid in pids.items():
            if pid not in self.alive:
                log.error("worker=%s event=died parts=%s", worker, bury(worker))


def is_there(pid: int) -> bool:
    """Whether there is such a process, and it isn't dead: Celery's parent may leave a dead child unburied for 5 s."""
    try:
        os.kill(pid, 0)
        told = Path(f"/proc/{pid}/stat").read_text()
    except ProcessLookupError:
        return False
    except OSError:
        return True  # no /proc here: its parent's next look will tell
    return told.rpartition(")")[2].split()[0] != "Z"
