"""Rings by a task in the project's queue, and knows of the last one in each whether it still lies there.

Without this, every second in which all workers are busy, or gone, would leave more tasks in the queue.
"""

import time

from headway.engines.reaping import MOST

from . import flavour, routes
from .tasks import advance

__all__ = ["ring", "waiting"]

UNTOLD = 60.0  # s that a ring is taken to lie in a queue that can't be looked into

last: dict[str, tuple[flavour.Result, float]] = {}
"""What this process has rung last in each of the backend's queues, and when."""


def ring(operation: str, times: int = 1) -> None:
    """Have as many as `times` workers claim something. Raises what the backend raises."""
    queue = routes.of(operation)
    for _ in range(min(times, MOST)):  # each is a row for most backends; what is beyond is rung for later
        last[queue] = advance.using(queue_name=queue).enqueue(queue), time.monotonic()


def waiting(declared: str) -> int:
    """As many as are rung at once, while the last one has still to be heard: another would say nothing new."""
    queue = routes.of_queue(declared)
    if queue not in last:
        return 0
    result, when = last[queue]
    known = flavour.is_ready(result)
    return MOST if (time.monotonic() - when < UNTOLD if known is None else known) else 0
