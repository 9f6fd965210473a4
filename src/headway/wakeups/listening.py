"""A thread that listens to one subject, and comes back to it whenever the connection breaks."""

import logging
import random
import threading
from collections.abc import Callable

from .channels import Subject
from .choice import channel

__all__ = ["Listener"]

log = logging.getLogger(__name__)

TURN = 0.5  # s; so soon it notices that it is to end
PATIENCE = 2.0  # s; a connection that is just being made may take longer, and nobody waits for that
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # s before it tries again, doubled with each failure, and spread


class Listener:
    """Calls `heard` on its thread with what is said; with nothing ("") whenever something may have been missed.

    It costs a thread and a connection from `start` to `stop`, and nothing where the project has no channel. Start it
    after a fork, never before.
    """

    def __init__(self, subject: Subject, heard: Callable[[str], None]) -> None:
        self.subject, self.heard = subject, heard
        self.over: threading.Event | None = None
        self.thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen from now on; nothing new for one that does. Never raises: whoever can't listen asks all the same."""
        if self.over is not None:
            return
        self.over = threading.Event()
        name = f"headway-listens-{self.subject}"
        thread = threading.Thread(target=self.run, args=(self.over,), name=name, daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # no thread is to be had
            log.warning("subject=%s event=deaf error=%r", self.subject, error)
        else:
            self.thread = thread

    def stop(self) -> None:
        """Don't any more; the connection is closed within half a second."""
        if self.over is not None:
            self.over.set()
            self.over = None

    def join(self) -> None:
        """Wait for what `stop` has promised."""
        if self.thread is not None:
            self.thread.join(PATIENCE)

    def run(self, over: threading.Event) -> None:
        failures = 0
        while not over.is_set():
            try:
                if (chosen := channel()) is None:
                    return
                with chosen.listen(self.subject) as ear:
                    if failures:
                        log.info("subject=%s event=hears-again", self.subject)
                    failures = 0
                    self.heard("")
                    while not over.is_set():
                        for said in ear.take(TURN):
                            self.heard(said)
            except Exception as error:  # noqa: BLE001  (a thread that ended here would leave the process deaf for good)
                if not failures:
                    log.warning("subject=%s event=deaf error=%r", self.subject, error)
                over.wait(min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 10)) * random.uniform(0.5, 1.5))
                failures += 1
