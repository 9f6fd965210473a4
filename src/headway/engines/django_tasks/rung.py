"""What this process has rung last in each queue, and whether it still lies there.

Without this, every second in which all workers are busy, or gone, would leave more tasks in the queue.
"""

import time

from . import flavour

__all__ = ["is_waiting", "remember"]

UNTOLD = 60.0  # s that a ring is taken to lie in a queue that can't be looked into

last: dict[str, tuple[flavour.Result, float]] = {}


def remember(queue: str, result: flavour.Result) -> None:
    """This was rung in the queue just now."""
    last[queue] = result, time.monotonic()


def is_waiting(queue: str) -> bool:
    """Whether what was rung last has still to be heard, so that another ring would say nothing new."""
    if queue not in last:
        return False
    result, when = last[queue]
    known = flavour.is_ready(result)
    return time.monotonic() - when < UNTOLD if known is None else known
