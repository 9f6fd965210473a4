"""Sending without tasks, and in slices, so that a message to a thousand watchers holds nothing else up.

The hub takes the first step of a server's `send()` itself. On most servers `send()` ends at that step, since the bytes
go into the transport's buffer; where it has to wait, a task awaits the rest.
"""

import asyncio
import logging
import types
from collections import deque
from collections.abc import Awaitable, Coroutine, Generator, Iterator
from time import perf_counter
from typing import Any

SLICE = 0.004  # s for which the loop's other work may wait
log = logging.getLogger("headway.live")


class NeedsTask(Exception):
    """This server's `send()` can't be stepped through by hand."""


@types.coroutine
def rest_of(coroutine: Coroutine[Any, Any, None], waits_for: Any) -> Generator[Any, Any, None]:
    """What is left of a coroutine after its first step; to be awaited in a task."""
    try:
        while True:
            yield waits_for  # to the task, which comes back when that is done
            waits_for = coroutine.send(None)
    except StopIteration:
        return
    finally:
        coroutine.close()


def step(sending: Any) -> Awaitable[None] | None:
    """Take the first step of a call of `send()`; None when that was all.

    Raises OSError when the watcher has gone (ASGI says so), NeedsTask when the server wants a task around it.
    """
    if not isinstance(sending, Coroutine):
        raise NeedsTask
    try:
        waits_for = sending.send(None)
    except StopIteration:
        return None
    except OSError:
        raise
    except Exception as error:  # (servers that look for their task raise what they like)
        raise NeedsTask from error
    return rest_of(sending, waits_for)


class Pump:
    """Runs iterators, each of whose steps sends to one watcher, in turns, on the event loop."""

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
            if self.ends(self.lines[0], until):
                self.lines.popleft()
            else:
                self.lines.rotate(-1)
                self.loop.call_soon(self.run)
                return

    def ends(self, line: Iterator[None], until: float) -> bool:
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
