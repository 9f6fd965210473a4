"""Sending in slices of a few milliseconds, so that the loop's other work gets its turn between them."""

import asyncio
import logging
from collections import deque
from collections.abc import Iterator
from time import perf_counter

__all__ = ["Pump"]

SLICE = 0.004  # s; so long may the loop's other work wait for us
log = logging.getLogger("headway.live")


class Pump:
    """Runs iterators, each of whose steps serves one watcher, all alike, on the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.lines: deque[Iterator[None]] = deque()

    def add(self, line: Iterator[None]) -> None:
        """Let this one have its share from the next slice on."""
        if not self.lines:
            self.loop.call_soon(self.run)
        self.lines.append(line)

    def run(self) -> None:
        """One slice."""
        until = perf_counter() + SLICE
        while self.lines:
            if self.is_served(self.lines[0], until):
                self.lines.popleft()
            else:
                self.lines.rotate(-1)
                self.loop.call_soon(self.run)
                return

    def is_served(self, line: Iterator[None], until: float) -> bool:
        """Whether the line came to its end in time."""
        while perf_counter() <= until:
            try:
                next(line)
            except StopIteration:
                return True
            except Exception:  # (one line's mistake must not silence all others)
                log.exception("Live delivery could not serve some of its watchers")
                return True
        return False
