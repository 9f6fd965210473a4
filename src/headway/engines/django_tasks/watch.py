"""What goes on beside the tasks in a process that runs ours: it tells that it is there, and rings for what is due."""

import atexit
import logging
import os
import random
import threading

from django.db import connections

from headway.engines import queues, reaping
from headway.engines.presence import Presence, new_name

__all__ = ["Watch", "here"]

log = logging.getLogger(__name__)

WATCH_EVERY = 1.0  # s: how late a part whose lease has run out, or whose ring was lost, is seen
LAST_WORD = 1.0  # s to wait for the watch to end


class Watch:
    """One process that runs tasks, from its first task of ours until its end."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.worker = new_name()
        self.presence = Presence(self.worker)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.keep, name="headway-watch", daemon=True)

    def begin(self) -> None:
        """Start to watch, on a thread and a connection of its own."""
        self.thread.start()
        atexit.register(self.leave)

    def keep(self) -> None:
        """Look every second, until the process ends."""
        try:
            while True:
                self.look()
                if self.over.wait(WATCH_EVERY * random.uniform(0.7, 1.0)):
                    return
        finally:
            connections.close_all()

    def look(self) -> None:
        """One look; what fails, of the database or the queue, is tried again with the next."""
        try:
            self.presence.tell()
            reaping.reap(queues.every())
        except Exception as error:  # noqa: BLE001  (the thread must outlast whatever the project's backend raises)
            log.warning("worker=%s event=watch-failed error=%r", self.worker, error)
            connections.close_all()

    def leave(self) -> None:
        """Tell that this worker is gone. Not in a fork of its process."""
        if os.getpid() == self.pid:
            self.over.set()
            self.thread.join(LAST_WORD)
            self.presence.leave()


lock = threading.Lock()
present: Watch | None = None


def here() -> Watch:
    """This process's; it begins with the first call, in a fork anew."""
    global present
    with lock:
        if present is None or present.pid != os.getpid():
            present = Watch()
            present.begin()
        return present
