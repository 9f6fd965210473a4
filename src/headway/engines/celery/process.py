"""A process that works on what messages wake it for, on one thread or several. Knows nothing of Celery."""

import itertools
import logging
import os
import signal
import threading
import time
from collections.abc import Collection

from headway.engines.claimant import Claimant
from headway.engines.watch import Watch

from .stop import Stop

__all__ = ["Process"]

log = logging.getLogger(__name__)

TICK = 0.25  # s between two looks at what is in hand


class Process:
    """All threads of this process that work, under one name."""

    def __init__(self, siblings: str, queue_names: Collection[str], stop: Stop, *, is_child: bool) -> None:
        self.worker = f"{siblings}{os.getpid()}"
        self.stop = stop
        self.is_child = is_child
        """Whether this process can be ended alone, since its pool replaces it."""
        self.watch = Watch(self.worker, queue_names, siblings if is_child else "")
        self.picks = itertools.count()
        self.at_work: list[Claimant] = []

    def start(self) -> None:
        """Tell that this process is there, and end it when it hangs."""
        self.watch.start()
        threading.Thread(target=self.end_when_hung, name="headway-end-when-hung", daemon=True).start()

    def answer(self, queue: str) -> None:
        """Answer a message: advance for a slice what of this queue should go next."""
        claimant = Claimant(
            self.worker,
            should_stop=self.stop.is_wanted,
            wait=time.sleep,
            picks=next(self.picks),
            queue_names=[queue],
        )
        self.at_work.append(claimant)
        try:
            claimant.answer()
        finally:
            self.at_work.remove(claimant)

    def end_when_hung(self) -> None:
        """On a thread that never waits for the database. A thread can't be ended, so the process is."""
        while not any(claimant.pulse.is_hung for claimant in list(self.at_work)):
            time.sleep(TICK)
        if self.is_child:
            log.error("worker=%s event=killed reason=hung", self.worker)
            os.kill(os.getpid(), signal.SIGKILL)
        log.error("worker=%s event=hung advice='use the prefork pool: it replaces what hangs'", self.worker)
