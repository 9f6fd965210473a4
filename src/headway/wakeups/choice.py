"""Which channel this project has (HEADWAY["WAKE_UPS"], or else what its database offers), and a thread that listens to
it, and connects anew whenever the connection breaks.

PostgreSQL's NOTIFY (notify.py) and Redis' PUBLISH (publish.py) pass one suite of tests.
"""

import logging
import random
import threading
from collections.abc import Callable, Generator
from contextlib import closing
from functools import cache
from typing import Protocol

from django.db import connection

from headway.conf import REDIS, conf
from headway.fuse import Fuse

TURN = 0.5  # s between two looks at whether it is to end
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # s before it tries again, doubled with each failure, and spread

log = logging.getLogger(__name__)
fuse = Fuse("wake-up")


class Channel(Protocol):
    """A way to all processes that listen. Both methods raise what their library raises."""

    def send(self, message: str) -> None:
        """Send it to all that listen now, within half a second or not at all. To be called after the commit."""

    def listen(self, seconds: float) -> Generator[list[str]]:
        """What is told from now on: [""] as soon as it listens, then at each turn what has come within these seconds.
        It costs a connection until it is closed, and raises when that is lost."""


def send(message: str) -> None:
    """Send it to the processes on other machines, if there is a channel. Never raises."""
    fuse.attempt(lambda: chosen.send(message) if (chosen := channel()) else None)


def channel() -> Channel | None:
    """None: no process is told anything. Raises ImproperlyConfigured, and ImportError without redis-py."""
    return channel_at(conf().wake_ups, connection.vendor)


@cache
def channel_at(address: str, vendor: str) -> Channel | None:
    # Imported here: a project that uses one channel needn't have the other's library.
    if address.startswith(REDIS):
        from .publish import PublishChannel

        return PublishChannel(address)
    if address != "off" and vendor == "postgresql":
        from .notify import NotifyChannel

        return NotifyChannel(address)
    return None


class Listener:
    """Calls `heard` on its thread with each message; with none ("") whenever it may have missed some.

    It costs a thread and a connection from `start` to `stop`, and nothing where the project has no channel. Start it
    once, after a fork and never before.
    """

    def __init__(self, heard: Callable[[str], None]) -> None:
        self.heard = heard
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.run, name="headway-wake-ups", daemon=True)

    def start(self) -> None:
        """Listen from now on. Never raises: a worker that can't listen polls all the same."""
        try:
            self.thread.start()
        except RuntimeError as error:  # the system has no thread left
            log.warning("event=deaf error=%r", error)

    def stop(self) -> None:
        """Don't any more; the connection is closed within half a second."""
        self.over.set()

    def run(self) -> None:
        failures = 0
        while not self.over.is_set():
            try:
                if (chosen := channel()) is None:
                    return
                with closing(chosen.listen(TURN)) as turns:
                    for messages in turns:
                        if failures:
                            log.info("event=hears-again")
                        failures = 0
                        for message in messages:
                            self.heard(message)
                        if self.over.is_set():
                            return
            except Exception as error:  # noqa: BLE001  (a thread that ended here would leave the process deaf for good)
                if not failures:
                    log.warning("event=deaf error=%r", error)
                pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 10))
                self.over.wait(pause * random.uniform(0.5, 1.5))
                failures += 1
