"""The hub's thread: asks the database every 100 ms while there are watchers, and hands what it finds to the loop.

It has a connection of its own. It knows no watcher and no transport.
"""

import logging
import threading
import time
from collections.abc import Callable

from django.db import Error
from django.urls import set_script_prefix

from headway.database import forget

from .reader import Found, Reader, Wanted

POLL = 0.1  # s between two rounds
ROUND_GAP = 0.02  # s between two rounds for which a watcher's opening waits, so that simultaneous openings share one
IDLE = 10.0  # s without watchers, after which the connection is closed
LONGEST_BACK_OFF = 1.0  # s
log = logging.getLogger("headway.live")


class Feed(threading.Thread):
    """Calls `found` after each round, and `failed` with the seconds for which it has failed."""

    def __init__(
        self, found: Callable[[int, Wanted, Found], None], failed: Callable[[float], None], prefix: str
    ) -> None:
        super().__init__(name="headway-feed", daemon=True)
        self.found, self.failed, self.prefix = found, failed, prefix
        self.reader = Reader()
        self.changed = threading.Condition()
        self.wanted = Wanted()
        self.stopped = False
        self.round = 0

    def want(self, change: Callable[[Wanted], None]) -> int:
        """Change what is wanted; gives the number of the first round that knows of it."""
        with self.changed:
            change(self.wanted)
            self.changed.notify()
            return self.round + 1

    def stop(self) -> None:
        with self.changed:
            self.stopped = True
            self.changed.notify()

    def run(self) -> None:
        set_script_prefix(self.prefix)  # links in snapshots begin with it; each thread has its own
        failing_since = began = 0.0
        while (wanted := self.next_round(began)) is not None:
            began = time.monotonic()
            try:
                found = self.reader.read(wanted)
            except Exception as error:  # noqa: BLE001  (a thread that ended here would leave all watchers without news)
                failing_since = failing_since or began
                self.fail(error, began - failing_since, wanted)
            else:
                failing_since = 0.0
                self.found(self.round, wanted, found)
                with self.changed:
                    self.wanted.opening_runs |= found.held_back  # openings wait until these are told to all
        forget()

    def next_round(self, began: float) -> Wanted | None:
        """What to ask for, once it is time; None when the feed is to end."""
        while True:
            self.rest()
            with self.changed:
                if self.stopped:
                    return None
                wait = began + (ROUND_GAP if self.wanted.is_urgent else POLL) - time.monotonic()
                if wait > 0:
                    self.changed.wait(wait)
                elif self.wanted:
                    return self.take()

    def rest(self) -> None:
        """Until there is a watcher; the connection is closed when that takes long."""
        with self.changed:
            if self.changed.wait_for(self.is_needed, IDLE):
                return
        forget()  # without the lock: the loop takes it, too, and a dead connection may take long to close
        with self.changed:
            self.changed.wait_for(self.is_needed)

    def is_needed(self) -> bool:
        return self.stopped or bool(self.wanted)

    def take(self) -> Wanted:
        """This round's question; openings that come from now on are for the next one."""
        self.round += 1
        taken = self.wanted
        self.wanted = Wanted(set(taken.runs), set(taken.users))
        return taken

    def fail(self, error: Exception, seconds: float, wanted: Wanted) -> None:
        """Keep the watchers, and try again: after a while the hub sends them away."""
        self.failed(seconds)
        if not seconds:
            log.warning("Live delivery can't read the database: %s", error, exc_info=not isinstance(error, Error))
        forget()
        with self.changed:
            self.wanted.opening_runs |= wanted.opening_runs
            self.wanted.opening_users |= wanted.opening_users
            self.changed.wait_for(lambda: self.stopped, min(LONGEST_BACK_OFF, max(POLL, seconds)))
