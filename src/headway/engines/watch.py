"""What goes on beside the work in a process that messages wake: it tells that it is there, and rings for what is due.

One thread, with a database connection of its own.
"""

import logging
import os
import random
import threading
import time
from collections.abc import Collection
from pathlib import Path

from django.db import connections

from headway.store.parts import workers

from . import queues
from .presence import Presence, bury

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # s: how late the watch sees a part whose lease has run out, or whose message was lost
TICK = 0.25  # s between two looks at whether a sibling has died
LAST_WORD = 1.0  # s to wait for the thread to end


class Watch:
    """A worker process's, until the process ends."""

    def __init__(self, worker: str, queue_names: Collection[str], siblings: str = "") -> None:
        self.worker = worker
        self.queue_names = queue_names
        self.siblings = siblings
        """How the names begin of the processes beside this one, each of which ends with its process id; "": none."""
        self.alive: list[int] = []
        """The process ids of the siblings that lived at the last look."""
        self.presence = Presence(worker)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, name="headway-watch", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self.thread.start()

    def leave(self) -> None:
        """End the thread, and tell that this worker is gone."""
        self.over.set()
        self.thread.join(LAST_WORD)
        self.presence.leave()

    def run(self) -> None:
        """Look every second; what fails, of the database or the engine, is tried again with the next look."""
        while not self.over.is_set():
            try:
                self.look()
            except Exception as error:  # noqa: BLE001  (the thread must outlast what the project's broker raises)
                log.warning("worker=%s event=watch-failed error=%r", self.worker, error)
                connections.close_all()
            self.rest(LOOK_EVERY * random.uniform(0.7, 1.0))  # so that processes don't look at the same moment
        connections.close_all()

    def look(self) -> None:
        """Raises the database's errors, and the engine's."""
        if self.siblings:
            self.bury_siblings()
        self.presence.tell()
        queues.reap(self.queue_names)

    def rest(self, seconds: float) -> None:
        """Wait for the next look; a sibling's death ends the wait."""
        until = time.monotonic() + seconds
        while time.monotonic() < until and all(map(lives, self.alive)) and not self.over.wait(TICK):
            pass

    def bury_siblings(self) -> None:
        """Make due what dead siblings owned."""
        pids = {worker: int(worker.removeprefix(self.siblings)) for worker in workers.named(self.siblings)}
        self.alive = [pid for pid in pids.values() if lives(pid)]
        for worker, pid in pids.items():
            if pid not in self.alive:
                log.error("worker=%s event=died parts=%s", worker, bury(worker))


def lives(pid: int) -> bool:
    """Whether there is such a process and it isn't dead: Celery leaves a dead child a zombie for up to 5 s."""
    try:
        os.kill(pid, 0)
        told = Path(f"/proc/{pid}/stat").read_text()
    except ProcessLookupError:
        return False
    except OSError:
        return True  # this system has no /proc
    return told.rpartition(")")[2].split()[0] != "Z"
