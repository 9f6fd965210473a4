"""What an operation prepares outside the transaction, ahead of the chunk that needs it: inline, or on threads.

An ordered window: its head is waited for, and what is ready behind it goes into the same chunk. Knows no chunk and no
store.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import Future, wait
from contextvars import copy_context
from itertools import takewhile
from queue import SimpleQueue
from typing import Any, TypeAlias

from django.db import connections

from headway.operations.sources import Entry

from .in_hand import Work
from .surroundings import begin_thread

GATHER = 0.050  # s behind the head, so that a commit isn't paid for each item; threads work on meanwhile
ASK_EVERY = 0.1  # s between two looks at whether to stop, while the head is waited for
ASK_PACED = 0.005  # s, where a rate says when the next item may begin

Window: TypeAlias = Sequence[Entry[Any]]


class Prepared:
    """An item, and what `prepare` returned or raised for it."""

    __slots__ = ("asked", "began", "future", "handed_out", "item")

    def __init__(self, item: Any) -> None:
        self.item = item
        self.future: Future[Any] = Future()
        self.asked = False
        self.began: float | None = None
        self.handed_out = False

    def run(self, prepare: Callable[[Any], Any]) -> None:
        """Prepare it, unless that has been done."""
        if self.future.done():
            return
        self.began = time.monotonic()
        try:
            value = copy_context().run(prepare, self.item)
        except BaseException as error:  # noqa: BLE001  (its verdict is told in its turn, by `process`)
            self.future.set_exception(error)
        else:
            self.future.set_result(value)

    @property
    def is_begun(self) -> bool:
        """Whether it would have to be prepared again if it were forgotten now."""
        return self.asked or self.future.done()

    @property
    def is_under_way(self) -> bool:
        """Whether a thread has it, or is to have it next."""
        return self.asked and not self.future.done()

    @property
    def error(self) -> BaseException | None:
        """What it raised, if it has been prepared."""
        return self.future.exception() if self.future.done() else None


class Preparing(ABC):
    """Has the items of a window prepared, by the operation as it is at that moment."""

    least = 1
    """How many entries should be in the window."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.winding_up = False

    @abstractmethod
    def gather(self, window: Window, until: float) -> int:
        """How many entries at the window's head are prepared; none when it is to stop, or `until` is past."""

    def may_begin(self, item: Prepared, until: float) -> bool:
        """Whether an item may be prepared, by the rate: its moment is used up then."""
        allowance = self.work.allowance
        if allowance is None or item.is_begun:
            return True
        self.work.pulse.rest()
        return allowance.wait(until) and allowance.take() is not None

    def prepare(self, prepared: Prepared) -> None:
        """Prepare one item, unless that has been done."""
        prepared.run(self.work.operation.prepare)

    def wind_up(self) -> None:
        """Begin with no other item."""
        self.winding_up = True

    def close(self) -> None:  # noqa: B027  (without threads, there is nothing to do)
        """No more is wanted."""


class Inline(Preparing):
    """By the loop itself, between two chunks: one item after the other, on the loop's own connection."""

    def gather(self, window: Window, until: float) -> int:
        work, give_up = self.work, time.monotonic() + GATHER
        count = 0
        for _, _, item in window:
            if work.should_stop():
                break
            if isinstance(item, Prepared):
                if self.winding_up and not item.is_begun:
                    break
                if not self.may_begin(item, give_up if count else until):
                    break
                work.pulse.begin(work.operation.item_timeout)
                self.prepare(item)
            count += 1
            if time.monotonic() >= give_up:
                break
        work.pulse.rest()
        return count


class OnThreads(Preparing):
    """By threads of their own, each with connections of its own; as daemons, they keep no worker from going."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self.threads = work.operation.threads
        self.least = 2 * self.threads  # so that none waits while a chunk is committed
        self.asked: SimpleQueue[Prepared | None] = SimpleQueue()
        self.ask_every = ASK_PACED if work.allowance else ASK_EVERY
        self.closed = False
        self.started = False

    def gather(self, window: Window, until: float) -> int:
        self.ask(window)
        if self.winding_up:
            window = list(takewhile(lambda entry: not isinstance(entry[2], Prepared) or entry[2].is_begun, window))
        if not window or not self.has_come(window, until):
            return 0
        give_up = time.monotonic() + GATHER
        count = 1
        for _, _, item in window[1:]:
            while isinstance(item, Prepared) and not self.comes(item, give_up):
                if time.monotonic() >= give_up or self.is_far:
                    return count
                self.ask(window)
            count += 1
        return count

    def ask(self, window: Window) -> None:
        """Have the threads prepare, in order, what nobody has been asked for yet."""
        if not self.started:
            self.started = True
            self.start()
        unasked = [item for _, _, item in window if isinstance(item, Prepared) and not item.asked]
        for item in unasked[: 0 if self.winding_up else self.most_to_ask(window)]:
            if not self.is_allowed():
                return
            item.asked = True
            self.asked.put(item)

    def most_to_ask(self, window: Window) -> int:
        """How many more; under a rate only what a thread begins at once, while its moment is there."""
        if self.work.allowance is None:
            return len(window)
        return self.threads - sum(isinstance(item, Prepared) and item.is_under_way for _, _, item in window)

    def is_allowed(self) -> bool:
        """Whether the rate has a moment now; it is used up then."""
        allowance = self.work.allowance
        return allowance is None or (allowance.have() and allowance.take() is not None)

    def has_come(self, window: Window, until: float) -> bool:
        """Wait for the head; False when it is to stop, or `until` is past. A head that takes too long is hung."""
        work, head = self.work, window[0][2]
        came = time.monotonic()
        while isinstance(head, Prepared) and not self.comes(head, until):
            waited = time.monotonic()
            if head.is_begun:
                work.pulse.begin(work.operation.item_timeout)
                work.pulse.began = head.began or came
            if waited >= until or work.should_stop() or (self.is_far and not head.is_begun):
                return False
            self.ask(window)
        work.pulse.rest()
        return True

    def comes(self, item: Prepared, until: float) -> bool:
        """Whether the item is prepared, after a short wait: for it, or for the moment in which it may begin."""
        if item.is_begun or self.work.allowance is None:
            seconds = max(0.0, min(self.ask_every, until - time.monotonic()))
            return item.future.done() or bool(wait([item.future], seconds).done)
        self.work.pulse.rest()
        self.work.allowance.wait(until)
        return False

    @property
    def is_far(self) -> bool:
        """Whether no item may begin for so long that nobody should wait for it."""
        return self.work.allowance is not None and self.work.allowance.far_in > 0

    def start(self) -> None:
        for number in range(self.threads):
            begin_thread(f"headway-prepare-{self.work.part.pk}-{number}", self.work.part, self.serve)

    def serve(self) -> None:
        """The life of a thread: it prepares what it is asked for, until no more is wanted."""
        while (prepared := self.asked.get()) is not None and not self.closed:
            self.prepare(prepared)
            mend_connections()

    def close(self) -> None:
        self.closed = True
        for _ in range(self.threads if self.started else 0):
            self.asked.put(None)


def preparing(work: Work) -> Preparing | None:
    """How the items of this work are prepared; None where they needn't be."""
    if not work.operation.declares("prepare"):
        return None
    return Inline(work) if work.operation.threads == 1 else OnThreads(work)


def mend_connections() -> None:
    """Close those of this thread that are broken, so that the next item gets new ones."""
    for connection in connections.all(initialized_only=True):
        if connection.errors_occurred:
            connection.close_if_unusable_or_obsolete()
