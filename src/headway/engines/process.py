"""What every process that works has: its name, what it has in hand, and a thread that ends it when an item hangs."""

import logging
import os
import signal
import threading
import time

from .claimant import Claimant

log = logging.getLogger(__name__)

TICK = 0.25  # s between two looks at what is in hand


class Process:
    """All threads of this process that work, under one name."""

    def __init__(self, worker: str, *, is_replaced: bool) -> None:
        self.worker = worker
        self.is_replaced = is_replaced
        """Whether this process can be ended alone, since another then takes its place."""
        self.at_work: list[Claimant] = []

    def begin(self) -> None:
        """Keep an eye on what is in hand, until the process ends."""
        threading.Thread(target=self.end_when_hung, name="headway-end-when-hung", daemon=True).start()

    def end_when_hung(self) -> None:
        """On a thread that never waits for the database. A thread can't be ended, so the process is."""
        while not any(claimant.pulse.is_hung for claimant in list(self.at_work)):
            self.tick(TICK)
        if self.is_replaced:
            log.error("worker=%s event=killed reason=hung", self.worker)
            os.kill(os.getpid(), signal.SIGKILL)
        log.error("worker=%s event=hung advice='restart this worker: nothing else replaces what hangs'", self.worker)

    def tick(self, seconds: float) -> None:
        """What the thread does between two looks; takes this time."""
        time.sleep(seconds)
