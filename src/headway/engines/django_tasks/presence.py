"""That a worker is there: its name, its word to the database, and its watch over what nobody has rung for."""

import atexit
import logging
import os
import random
import secrets
import socket
import threading
import time

from django.db import Error, connections

from headway.store import tidying, workers

from . import watching

__all__ = ["Presence", "here"]

log = logging.getLogger(__name__)

WATCH_EVERY = 1.0  # s: how late a part whose lease has run out, or whose ring was lost, is seen
TELL_EVERY = 5.0  # s between two words to the database that we are there
LAST_WORD = 1.0  # s to wait for the watch to end


class Presence:
    """One process that runs tasks, from its first task of ours until its end."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.worker = f"{socket.gethostname()[:40]}:{self.pid}:{secrets.token_hex(4)}"
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, name="headway-watch", daemon=True)
        self.told = float("-inf")

    def begin(self) -> None:
        """Start to watch, on a thread and a connection of its own."""
        self.thread.start()
        atexit.register(self.leave)

    def watch(self) -> None:
        """Ring for what is due and tell that we are there, until the process ends."""
        try:
            while True:
                self.look()
                if self.over.wait(WATCH_EVERY * random.uniform(0.7, 1.0)):
                    return
        finally:
            connections.close_all()

    def look(self) -> None:
        """One look; what fails is tried again with the next."""
        try:
            if time.monotonic() - self.told > TELL_EVERY:
                workers.beat(self.worker, socket.gethostname(), self.pid, doorbell=0)
                tidying.tidy()
                self.told = time.monotonic()
            watching.look()
        except Error as error:
            log.warning("worker=%s event=watch-failed error=%r", self.worker, error)
            connections.close_all()

    def leave(self) -> None:
        """Tell that this worker is gone. Not in a fork of its process."""
        if os.getpid() != self.pid:
            return
        self.over.set()
        self.thread.join(LAST_WORD)
        try:
            workers.leave(self.worker)
        except Error as error:
            log.warning("worker=%s event=not-signed-off error=%r", self.worker, error)


lock = threading.Lock()
present: Presence | None = None


def here() -> Presence:
    """This process's presence; it begins with the first call, in a fork anew."""
    global present
    with lock:
        if present is None or present.pid != os.getpid():
            present = Presence()
            present.begin()
        return present
