"""Threads that do items whose effects are outside: they only call, and own nothing of the run."""

import copy
import time
from collections.abc import Callable
from contextvars import copy_context
from queue import Empty, SimpleQueue
from uuid import UUID

from django.db import connection

from headway.conf import conf
from headway.operations.effects import Effects

from .in_hand import Work
from .preparing import mend_connections
from .slots import Slot
from .surroundings import begin_thread

LATEST = 2 / 3  # of a lease since its renewal: a worker that was frozen for longer begins no call


class Calls:
    """Does slots' items on as many threads, and gives the slots back as they return."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.missing = work.operation.threads  # until the first item
        self.asked: SimpleQueue[Slot | None] = SimpleQueue()
        self.returned: SimpleQueue[Slot] = SimpleQueue()
        self.latest = conf().lease_seconds * LATEST
        self.closed = False
        self.inline = connection.in_atomic_block  # in a test's own transaction, whose rows no thread would see

    def begin(self, slots: list[Slot]) -> None:
        """Have them done; their flight is committed."""
        for slot in slots:
            slot.attempt = Effects(self.root, slot.key, slot.known)
            if self.inline:
                self.make(slot)
                self.returned.put(slot)
            else:
                for _ in range(self.missing):
                    self.start()
                self.missing = 0
                self.asked.put(slot)

    def start(self) -> None:
        """One thread more."""
        begin_thread(f"headway-call-{self.work.part.pk}", self.work.part, self.serve)

    def next(self, seconds: float) -> Slot | None:
        """The next that has returned; None: none has within so many seconds."""
        try:
            return self.returned.get(timeout=seconds) if seconds > 0 else self.returned.get_nowait()
        except Empty:
            return None

    def serve(self) -> None:
        """The life of a thread, until no more is wanted."""
        while (slot := self.asked.get()) is not None:
            if self.is_late():
                slot.postpone()
            elif slot.is_late:
                slot.wait_for_another_moment()
            else:
                self.make(slot)
            self.returned.put(slot)
            mend_connections()
            if slot.hung:
                return  # another thread has taken this one's place

    def is_late(self) -> bool:
        """Whether the worker may have lost the part by now, or is to begin nothing more."""
        return self.closed or time.monotonic() - self.work.pulse.renewed > self.latest

    def make(self, slot: Slot) -> None:
        """Call for one item, or ask whether an earlier call went out."""
        operation = copy.copy(self.work.operation)  # each call has an attempt and effects of its own
        operation.attempt, operation._effects = slot.attempts + 1, slot.attempt
        slot.found = []
        operation._add = slot.found.extend
        call: Callable[..., object] = operation.settle if slot.is_in_doubt else operation.process
        slot.began = time.monotonic()
        try:
            slot.succeed(copy_context().run(call, slot.item), operation)
        except Exception as error:  # noqa: BLE001  (its verdict, told by the coordinator)
            slot.fail(error, operation)
        except BaseException as error:  # noqa: BLE001  (a thread's SystemExit ends nothing but the item)
            slot.fail(RuntimeError(f"It raised {error!r}."), operation)

    def close(self) -> None:
        """Begin nothing more; what is under way goes on to its end."""
        self.closed = True
        for _ in range(self.work.operation.threads):
            self.asked.put(None)

    @property
    def root(self) -> UUID:
        """The first run of the retry chain: so a retry has the same keys."""
        run = self.work.part.run
        return run.root_id or run.pk
