"""What a chunk is fed with: the items behind the last checkpoint, each handed out once.

An item that was handed out may have been changed by `process`. So when its chunk is rolled back, it is read again; and
items that others may change are read inside the chunk's transaction, so that none is older than its chunk.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable
from itertools import islice
from typing import Any

from django.db.models import Model

from headway.operations.sources import Entry
from headway.store.parts.leases import STEP_LIMIT

from .in_hand import Work
from .loading import OperationError, ask
from .reading import AT_ONCE, UNREADABLE, Entries, read, read_inside, told

LARGEST = 4_000  # items in a chunk
FIRST = 8  # items, before it is known how many a budget holds: more would grow old if they are slow
GROWTH = 2  # of what is read ahead, from one chunk to the next
FAST, FAST_GROWTH = 8, 8  # the same after a chunk that took an eighth of its budget or less
LONGEST_FILL = 0.25  # s: a slow source must not keep what it has given already from being worked


class Feed(ABC):
    """The items of one part, from its cursor on."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.ended = False
        """Whether nothing comes behind what has been handed out."""

    @abstractmethod
    def ready(self, until: float) -> bool:
        """Have something to hand out, outside any transaction; False when the end is reached, the worker is to stop,
        or `until` is past. Raises OperationError."""

    @abstractmethod
    def entries(self, most: int, deadline: float) -> Entries:
        """What is ready, in the chunk's transaction: as much as can be done by the deadline. Raises OperationError."""

    @abstractmethod
    def keep(self, done: int, seconds: float, budget: float) -> None:
        """So many are committed; they took so long."""

    def rewind(self) -> None:
        """The chunk was rolled back: from the checkpoint again, with an operation that remembers nothing of it."""
        self.forget()

    def forget(self) -> None:
        """What the chunk has left in the database was rolled back, and no more: as `rewind`, but from where it is."""
        self.work.load_again()
        self.ended = False

    @property
    def may_grow(self) -> bool:
        """Whether what is read now may have grown since it was asked for: later passes read what items add."""
        return self.work.operation.discovers and self.work.part.phase > 0

    def renew(self) -> None:
        """The item in hand alone was rolled back: whatever it may have touched in memory is read again."""
        self.work.load_again()
        self.work.guard.stale = True

    def prepare_one(self) -> None:  # noqa: B027  (most feeds have nothing to do)
        """Prepare the first item, if it must be and isn't."""

    @property
    def is_half_done(self) -> bool:
        """Whether something has been prepared that would be lost if the part were given back now."""
        return False

    def wind_up(self) -> None:  # noqa: B027  (as above)
        """The part is about to be given back: begin nothing that isn't finished by then."""

    def close(self) -> None:  # noqa: B027  (as above)
        """No more is wanted."""


class Ahead(Feed):
    """Items that don't change, such as a file's: read outside any transaction, ahead of their chunk."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self.window: list[Entry[Any]] = []
        self.fault: OperationError | None = None
        """What reading came to behind the window; raised once all in it is done."""
        self.least = 1
        self.size = FIRST
        self.reading = self.read()

    def ready(self, until: float) -> bool:
        self.fill(max(self.size, self.least))
        if not self.window and self.may_grow:
            self.reading = self.read()
            self.fill(max(self.size, self.least))
        self.ended = not self.window
        return bool(self.window)

    def entries(self, most: int, deadline: float) -> Entries:
        yield from self.window[:most]

    def keep(self, done: int, seconds: float, budget: float) -> None:
        del self.window[:done]
        self.size = min(LARGEST, done * (FAST_GROWTH if seconds * FAST < budget else GROWTH))

    def rewind(self) -> None:
        super().rewind()
        self.window.clear()
        self.fault = None
        self.reading = self.read()

    def read(self) -> Entries:
        return read(self.work.part, self.work.source)

    def fill(self, size: int) -> None:
        """Read until the window holds `size` entries or the source ends; a slow source is left after one entry."""
        pulse = self.work.pulse
        pulse.begin(STEP_LIMIT)
        try:
            if not self.fault:
                ask(UNREADABLE, lambda: self.window.extend(soon(self.reading, size - len(self.window))))
        except OperationError as error:
            self.fault = error
        pulse.rest()
        if self.fault and not self.window:
            raise self.fault


class Rows(Feed):
    """Items that may change: read inside the chunk's transaction, as many as the rest of its budget may hold."""

    def __init__(self, work: Work) -> None:
        super().__init__(work)
        self.pace: float | None = None  # s an item
        self.most = AT_ONCE  # fewer while items change each other

    def ready(self, until: float) -> bool:
        return not self.ended

    def entries(self, most: int, deadline: float) -> Entries:
        guard = self.work.guard
        cursor, handed, began = self.work.part.cursor, 0, time.monotonic()
        while handed < most:
            now = time.monotonic()
            pace = (now - began) / handed if handed else self.pace
            size = min(most - handed, self.most, FIRST if pace is None else held_in(deadline - now, pace))
            page = self.read(cursor, size)
            before = handed
            is_short = len(page) < size
            last = page[-1] if page and is_short and not self.may_grow else None
            for entry in page:
                guard.row = entry[2] if isinstance(entry[2], Model) else None
                if entry is last:
                    self.ended = True  # whether or not the chunk has time to ask for another
                yield entry
                cursor = entry[0]
                handed += 1
                if guard.stale:
                    break
            else:
                if is_short:
                    self.ended = not (page and self.may_grow)
                    return
            self.most = handed - before if guard.stale else min(AT_ONCE, self.most * 2)

    def keep(self, done: int, seconds: float, budget: float) -> None:
        self.pace = seconds / done

    def read(self, cursor: Any, size: int) -> list[Entry[Any]]:
        """The next so many entries as they are now."""
        work = self.work
        work.source.at_once = size
        return read_inside(work, lambda: list(self.checked(islice(read(work.part, work.source, cursor), size))))

    def checked(self, entries: Entries) -> Iterable[Entry[Any]]:
        return map(told, entries)


class Keys(Rows):
    """The keys of rows that may change: all of a chunk's, read at once."""

    def checked(self, entries: Entries) -> Iterable[Entry[Any]]:
        return entries  # a model's key is short, and a check of each would cost a tenth of what a row does

    def entries(self, most: int, deadline: float) -> Entries:
        page = self.read(self.work.part.cursor, most)
        self.ended = len(page) < most and not (page and self.may_grow)
        yield from page


def held_in(seconds: float, pace: float) -> int:
    """How many items fit into that time, at least one."""
    return max(1, int(seconds / pace)) if pace > 0 else AT_ONCE


def soon(entries: Entries, size: int) -> Iterable[Entry[Any]]:
    """As many entries; fewer when the source ends, or takes long."""
    give_up = time.monotonic() + LONGEST_FILL
    for entry in islice(entries, max(0, size)):
        yield told(entry)
        if time.monotonic() > give_up:
            return
