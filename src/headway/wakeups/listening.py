"""A thread that listens for wake-ups, and connects anew whenever the connection breaks."""

import logging
import random
import threading
from collections.abc import Callable
from contextlib import closing

from .choice import channel

log = logging.getLogger(__name__)

TURN = 0.5  # s between two looks at whether it is to end
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # s before it tries again, doubled with each failure, and spread


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
