"""That a worker is there: its name, its word to the database now and then, and what is done when it is gone."""

import logging
import os
import secrets
import socket
import time

from django.db import Error

from headway.store.parts import leases, workers
from headway.store.upkeep import tidying

log = logging.getLogger(__name__)

TELL_EVERY = 5.0  # s between two words to the database
LONGEST_HOST = 36  # characters: a name has 64


def new_name() -> str:
    """What no other worker is called: the host, this process and chance."""
    return f"{socket.gethostname()[:LONGEST_HOST]}:{os.getpid()}:{secrets.token_hex(4)}"


class Presence:
    """A worker's, for as long as its process lives."""

    def __init__(self, worker: str, doorbell: int = 0) -> None:
        self.worker = worker
        self.doorbell = doorbell
        """The port on which it is woken; 0: it is woken otherwise."""
        self.told = float("-inf")

    def tell(self) -> None:
        """When it is time again: tell that the worker is there, and tidy up. Raises the database's errors."""
        if time.monotonic() - self.told > TELL_EVERY:
            workers.beat(self.worker, socket.gethostname(), os.getpid(), self.doorbell)
            tidying.tidy()
            self.told = time.monotonic()

    def leave(self) -> None:
        """Tell that the worker is gone; a database that doesn't answer will forget it by itself."""
        try:
            workers.leave(self.worker)
        except Error as error:
            log.warning("worker=%s event=not-signed-off error=%r", self.worker, error)


def bury(worker: str, *, released: bool = False) -> int:
    """Make due at once what a worker owned that is gone, and forget it; gives how many parts. `released`: no item has
    ended it. Raises the database's errors."""
    parts = leases.give_up_parts_of(worker, released=released)
    workers.leave(worker)
    return parts
