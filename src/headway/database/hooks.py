"""What is to be called once a transaction has committed."""

import logging
from collections.abc import Callable
from contextvars import copy_context
from functools import partial
from typing import Any

from django.db import connection

log = logging.getLogger(__name__)


class Hooks:
    """The on_commit hooks of a transaction: a failing one is logged and counted, and the others still run.

    Otherwise one item's failing mail would silently lose the mails of all items behind it in the chunk: Django drops
    the rest of the queue. The effects are committed by then, so no item can be blamed.
    """

    def __init__(self, before_each: Callable[[], None] = lambda: None) -> None:
        self.before_each = before_each
        self.count = 0
        self.failed = 0

    def take_over(self) -> None:
        """Before COMMIT: from now on, the hooks that are there run so."""
        queue: Any = connection  # run_on_commit holds (savepoints, hook, robust), whatever the stubs say
        queue.run_on_commit = [
            (savepoints, partial(self.run, hook), True) for savepoints, hook, _ in queue.run_on_commit
        ]
        self.count = len(queue.run_on_commit)

    def run(self, hook: Callable[[], Any]) -> None:
        self.before_each()
        try:
            copy_context().run(hook)
        except Exception:
            self.failed += 1
            log.exception("event=hook-failed hook=%r", hook)
