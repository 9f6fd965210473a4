"""A step while it is under way: on a thread of its own, so that the worker's can look up and tell how far it is."""

import threading
import time
from collections.abc import Callable
from contextvars import copy_context

from django.db import connection

from headway.conf import conf
from headway.models import Part
from headway.operations.base import Operation
from headway.operations.steps import StepInterrupted

from .pulse import Pulse
from .surroundings import begin_thread


class Step:
    """One call of a step's method."""

    def __init__(self, operation: Operation, name: str, pulse: Pulse, part: Part) -> None:
        self.operation, self.name, self.pulse, self.part = operation, name, pulse, part
        self.figures: tuple[float | None, float | None] = None, None
        """How far it has come, as it has said last: done, total."""
        self.error: BaseException | None = None
        self.stopped = False
        """Whether it is to end: its next `progress` ends it."""
        self.over = threading.Event()
        self.lease = conf().lease_seconds
        self.inline = connection.in_atomic_block  # in a test's own transaction, whose rows no thread would see
        self.look: Callable[[], None] = lambda: None
        """Called by `progress` where the step has no thread of its own."""
        operation._progress = self.report

    def start(self) -> None:
        """Begin it; `over` is set when it has ended."""
        self.pulse.begin(self.operation.item_timeout)
        if self.inline:
            self.make()
        else:
            begin_thread(f"headway-step-{self.name}", self.part, self.make)

    def stop(self) -> None:
        """End it as soon as it hears of it."""
        self.stopped = True

    def report(self, done: float | None, total: float | None) -> None:
        """What the operation's `progress` does. Raises StepInterrupted."""
        if done is not None:
            self.figures = done, total
        if self.inline:
            self.look()
        if self.stopped or self.is_late:
            raise StepInterrupted(f"The step {self.name!r} ends here: its run is paused or cancelled, or its worker.")
        self.pulse.begin(self.operation.item_timeout)

    @property
    def is_late(self) -> bool:
        """Whether the worker has been frozen for so long that another may have taken over."""
        return time.monotonic() - self.pulse.renewed > self.lease

    def make(self) -> None:
        try:
            copy_context().run(self.operation.process, self.name)
        except BaseException as error:  # noqa: BLE001  (its verdict, told by the worker's own thread)
            self.error = error
        finally:
            self.over.set()
