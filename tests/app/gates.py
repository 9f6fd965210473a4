"""A gate that an item waits at until the test opens it: no sleeping on either side.

Two FIFOs: the item writes its process id into PATH.reached and then reads PATH.open.
"""

import os
import select
import threading
import time
from pathlib import Path

__all__ = ["Gate"]

SIGNALS_HEARD = 0.1  # s: how late at most a signal's handler runs in a process that waits here


class Gate:
    """A place where a worker's item stands still until the test lets it on."""

    def __init__(self, path: Path | str) -> None:
        self.reached, self.opened = f"{path}.reached", f"{path}.open"

    def build(self) -> "Gate":
        """Make it. By the test, before the run is started."""
        os.mkfifo(self.reached)
        os.mkfifo(self.opened)
        # Held open for reading and writing, so that neither side blocks in open().
        self.reached_fd = os.open(self.reached, os.O_RDWR)
        self.opened_fd = os.open(self.opened, os.O_RDWR)
        return self

    def wait_here(self) -> None:
        """By the item: say that it is there, and wait."""
        with open(self.reached, "wb", buffering=0) as said:
            said.write(f"{os.getpid()}\n".encode())
        with open(self.opened, "rb", buffering=0) as opened:
            if threading.current_thread() is threading.main_thread():
                # Which hears a signal that comes just before a blocking call only after it: so no call blocks for long.
                os.set_blocking(opened.fileno(), False)
                while opened.read(1) is None:
                    select.select([opened], [], [], SIGNALS_HEARD)
            else:
                opened.read(1)

    def wait_until_reached(self, seconds: float = 30) -> int:
        """By the test: the process id of the worker whose item has come."""
        ready, _, _ = select.select([self.reached_fd], [], [], seconds)
        assert ready, f"no item came to the gate within {seconds} s"
        return int(os.read(self.reached_fd, 64).split()[0])

    def wait_until_all_reached(self, count: int, seconds: float = 30) -> None:
        """By the test: until so many have come, of whatever process."""
        give_up = time.monotonic() + seconds
        come = 0
        while come < count:
            ready, _, _ = select.select([self.reached_fd], [], [], max(0.0, give_up - time.monotonic()))
            assert ready, f"only {come} of {count} came to the gate within {seconds} s"
            come += os.read(self.reached_fd, 4096).count(b"\n")

    def open(self, times: int = 1) -> None:
        """By the test: let it on."""
        os.write(self.opened_fd, b"." * times)
