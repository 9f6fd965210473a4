"""Django's own tasks as a doorbell: the worker that the project has for them claims parts and advances them.

A task row says nothing but "ask what is due". So it may be lost, run twice or stay "running" for ever.
"""

import time
from typing import Any

from django.core.checks import CheckMessage

from headway.engines import queues
from headway.engines.engine import MOST, Engine

from . import checks, flavour

UNTOLD = 60.0  # s that a task is taken to lie in a queue that can't be looked into


class DjangoTasks(Engine):
    """Django's tasks, or their backport, with any worker that the project has for them.

    It remembers the last task in each queue: otherwise, each second in which all workers are busy or gone would leave
    more of them there.
    """

    worker = "manage.py headway_reaper"
    worker_note = "(and the worker of your tasks' backend, such as manage.py db_worker)"

    def __init__(self) -> None:
        self.last: dict[str, tuple[Any, float]] = {}
        """What this process has put last into each of the backend's queues, and when."""

    def ring(self, operation: str, times: int) -> None:
        from .tasks import advance  # the backport is an extra

        queue = flavour.queue_for(queues.of(operation))
        for _ in range(times):
            self.last[queue] = advance.using(queue_name=queue).enqueue(queue), time.monotonic()

    def waiting(self, queue: str) -> int:
        """As many as are rung at once, while the last one lies there: another would say nothing new."""
        result, when = self.last.get(flavour.queue_for(queue), (None, 0.0))
        if result is None:
            return 0
        ready = flavour.is_ready(result)
        return MOST if (time.monotonic() - when < UNTOLD if ready is None else ready) else 0

    def faults(self) -> list[CheckMessage]:
        return checks.faults_of_project()
