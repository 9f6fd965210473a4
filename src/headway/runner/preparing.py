"""What an operation prepares outside the transaction, ahead of the chunk that needs it: inline, or on threads.

An ordered window: its head is waited for, and what is ready behind it goes into the same chunk. What was prepared stays
until its chunk is committed, so a replay prepares nothing. Knows no chunk and no store.
"""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeAlias

from django.db import connections
from django.utils import translation

from headway.models import Part
from headway.operations.base import Operation
from headway.operations.outcomes import Unreadable
from headway.operations.sources import Entry

from .pulse import Pulse

__all__ = ["Inline", "OnThreads", "Prepared", "Preparing", "Unprepared", "preparing"]

GATHER = 0.050  # s behind the head, so that a commit isn't paid for each item; threads work on meanwhile
ASK_EVERY = 0.1  # s between two looks at whether to stop, while the head is waited for

Window: TypeAlias = Sequence[Entry[Any]]


class Prepared:
    """An item, and what `prepare` returned or raised for it."""

    __slots__ = ("asked", "began", "future", "item")

    def __init__(self, item: Any) -> None:
        self.item = item
        self.renew()

    def renew(self) -> None:
        """As if nobody had prepared it yet."""
        self.future: Future[Any] = Future()
        self.asked = False
        self.began: float | None = None

    def run(self, prepare: Callable[[Any], Any]) -> None:
        """Prepare it, unless that has been done."""
        if self.future.done():
            return
        self.began = time.monotonic()
        try:
            value = prepare(self.item)
        except BaseException as error:  # noqa: BLE001  (its verdict is told in its turn, by `process`)
            self.future.set_exception(error)
        else:
            self.future.set_result(value)

    @property
    def error(self) -> BaseException | None:
        """What it raised, if it has been prepared."""
        return self.future.exception() if self.future.done() else None


class Unprepared:
    """An operation without `prepare`: all that has been read is ready."""

    growth: int | None = None
    """How much more may be read ahead, from one chunk to the next; None: as much as there is time for."""
    least = 1
    """How many entries should be in the window."""

    def __init__(self, operation: Operation) -> None:
        self.process: Callable[[Any], Any] = operation.process

    def wrap(self, entries: Iterator[Entry[Any]]) -> Iterator[Entry[Any]]:
        """The entries, as `process` takes them."""
        return entries

    def ready(self, window: Window, until: float) -> Window:
        """The first entries of the window that can be processed now; none when it is to stop, or `until` is past."""
        return window

    def again(self, window: Window, is_fault: Callable[[BaseException], bool]) -> None:
        """Forget what came of a fault, so that it is prepared once more."""

    def close(self) -> None:
        """No more is wanted."""


class Preparing(Unprepared):
    """What both ways to prepare have in common."""

    growth = 2

    def __init__(self, operation: Operation, part: Part, pulse: Pulse, should_stop: Callable[[], bool]) -> None:
        super().__init__(operation)
        self.operation = operation
        self.part = part
        self.pulse = pulse
        self.should_stop = should_stop
        process = operation.process
        self.process = lambda prepared: process(prepared.item, prepared.future.result())

    def wrap(self, entries: Iterator[Entry[Any]]) -> Iterator[Entry[Any]]:
        for cursor, key, item in entries:
            yield cursor, key, item if item.__class__ is Unreadable else Prepared(item)

    def ready(self, window: Window, until: float) -> Window:
        # A careful owner prepares its one item itself, once it is on record that it may be the one that kills.
        return window[:1] if self.part.careful else window[: self.gather(window, until)]

    def gather(self, window: Window, until: float) -> int:
        """How many entries at the window's head are prepared."""
        raise NotImplementedError

    def again(self, window: Window, is_fault: Callable[[BaseException], bool]) -> None:
        for _, _, item in window:
            if isinstance(item, Prepared) and item.error is not None and is_fault(item.error):
                item.renew()


class Inline(Preparing):
    """By the loop itself, between two chunks: one item after the other, on the loop's own connection."""

    def gather(self, window: Window, until: float) -> int:
        give_up = time.monotonic() + GATHER
        count = 0
        for _, _, item in window:
            if self.should_stop():
                break
            if isinstance(item, Prepared):
                self.pulse.begin(self.operation.item_timeout)
                item.run(self.operation.prepare)
            count += 1
            if time.monotonic() >= give_up:
                break
        self.pulse.rest()
        return count


class OnThreads(Preparing):
    """By threads of their own, each with connections of its own; as daemons, they keep no worker from going."""

    def __init__(self, operation: Operation, part: Part, pulse: Pulse, should_stop: Callable[[], bool]) -> None:
        super().__init__(operation, part, pulse, should_stop)
        self.least = 2 * operation.threads  # so that none waits while a chunk is committed
        self.asked: SimpleQueue[Prepared | None] = SimpleQueue()
        self.closed = False
        self.started = False

    def gather(self, window: Window, until: float) -> int:
        self.ask(window)
        if not self.has_come(window[0][2], until):
            return 0
        give_up = time.monotonic() + GATHER
        count = 1
        for _, _, item in window[1:]:
            if isinstance(item, Prepared) and not is_done(item, give_up - time.monotonic()):
                break
            count += 1
        return count

    def ask(self, window: Window) -> None:
        """Have the threads prepare, in order, what nobody has been asked for yet."""
        if not self.started:
            self.started = True
            self.start()
        for _, _, item in window:
            if isinstance(item, Prepared) and not item.asked:
                item.asked = True
                self.asked.put(item)

    def has_come(self, head: Any, until: float) -> bool:
        """Wait for the head; False when it is to stop, or `until` is past. A head that takes too long is hung."""
        came = waited = time.monotonic()
        while isinstance(head, Prepared) and not is_done(head, min(ASK_EVERY, until - waited)):
            waited = time.monotonic()
            self.pulse.begin(self.operation.item_timeout)
            self.pulse.began = head.began or came
            if waited >= until or self.should_stop():
                return False
        self.pulse.rest()
        return True

    def start(self) -> None:
        for number in range(self.operation.threads):
            name = f"headway-prepare-{self.part.pk}-{number}"
            threading.Thread(target=self.serve, name=name, daemon=True).start()

    def serve(self) -> None:
        """The life of a thread: it prepares what it is asked for, until no more is wanted."""
        try:
            with translation.override(self.part.run.language):
                while (prepared := self.asked.get()) is not None and not self.closed:
                    prepared.run(self.operation.prepare)
                    mend_connections()
        finally:
            connections.close_all()

    def close(self) -> None:
        self.closed = True
        for _ in range(self.operation.threads if self.started else 0):
            self.asked.put(None)


def preparing(operation: Operation, part: Part, pulse: Pulse, should_stop: Callable[[], bool]) -> Unprepared:
    """How this operation's items are prepared."""
    if not operation.has_prepare():
        return Unprepared(operation)
    way = Inline if operation.threads == 1 else OnThreads
    return way(operation, part, pulse, should_stop)


def mend_connections() -> None:
    """Close those of this thread that are broken, so that the next item gets new ones."""
    for connection in connections.all(initialized_only=True):
        if connection.errors_occurred:
            connection.close_if_unusable_or_obsolete()


def is_done(prepared: Prepared, seconds: float) -> bool:
    """Whether it is prepared, at the latest after so many seconds."""
    if prepared.future.done():
        return True
    if seconds <= 0:
        return False
    try:
        prepared.future.exception(seconds)
    except TimeoutError:
        return False
    return True
