"""What a chunk is fed with: the items behind the last checkpoint, each handed out once.

An item that was handed out may have been changed by `process`. So when its chunk is rolled back, it is read again; and
items that others may change are read inside the chunk's transaction, so that none is older than its chunk.
"""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeAlias, cast
from uuid import UUID

from django.db.models import Model

from headway.database import is_lost, is_transient
from headway.models import Part
from headway.operations.outcomes import Gone, Unreadable
from headway.operations.sources import Entry, Source
from headway.operations.sources.table import KeySource
from headway.store.parts import discoveries
from headway.store.parts.leases import STEP_LIMIT
from headway.store.parts.outcomes import failed_keys, retrying_keys

from .in_hand import Work
from .loading import OperationError, ask
from .preparing import Prepared, Preparing

__all__ = [
    "LARGEST",
    "UNREADABLE",
    "VERDICTS",
    "Feed",
    "added_in",
    "attempts_of",
    "failed_of",
    "feed_for",
    "held_in",
    "is_verdict",
    "read",
    "told",
]

Entries: TypeAlias = Iterator[Entry[Any]]

LARGEST = 4_000  # items in a chunk
AT_ONCE = 500  # rows read at once, at most
FIRST = 8  # items, before it is known how many a budget holds: more would grow old if they are slow
GROWTH = 2  # of what is read ahead, from one chunk to the next
FAST, FAST_GROWTH = 8, 8  # the same after a chunk that took an eighth of its budget or less
LONGEST_FILL = 0.25  # s: a slow source must not keep what it has given already from being worked
LONGEST_KEY = 255
VERDICTS = (Unreadable, Gone)  # given in place of an item
UNREADABLE = "Its items can't be read."


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
        work.guard.stale, work.guard.reading = False, True
        work.pulse.begin(STEP_LIMIT)
        try:
            return ask(UNREADABLE, lambda: list(self.checked(islice(read(work.part, work.source, cursor), size))))
        finally:
            work.guard.reading = False
            work.pulse.begin(work.operation.item_timeout)

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


class Ready(Ahead):
    """Items that are prepared before their chunk. Rows among them are read once more inside it."""

    def __init__(self, work: Work, preparing: Preparing) -> None:
        self.preparing = preparing
        self.kept: dict[str, Prepared] = {}
        self.heads = 0  # of the window: prepared
        super().__init__(work)
        self.least = preparing.least

    def ready(self, until: float) -> bool:
        if not super().ready(until):
            return False
        # A careful owner prepares its one item itself, once it is on record that it may be the one that kills.
        self.heads = 1 if self.work.part.careful else self.preparing.gather(self.window, until)
        return self.heads > 0

    def entries(self, most: int, deadline: float) -> Entries:
        heads = self.window[: min(most, self.heads)]
        for entry in self.fresh(heads) if self.work.source.may_change else heads:
            if isinstance(entry[2], Prepared):
                entry[2].handed_out = True
            yield entry

    def keep(self, done: int, seconds: float, budget: float) -> None:
        del self.window[:done]
        self.size = min(LARGEST, done * GROWTH)

    def rewind(self) -> None:
        untouched = {key: item for _, key, item in self.window if isinstance(item, Prepared) and is_untouched(item)}
        self.kept |= untouched
        super().rewind()

    def read(self) -> Entries:
        for cursor, key, item in super().read():
            yield cursor, key, item if is_verdict(item) else self.kept.pop(key, None) or Prepared(item)

    def fresh(self, heads: list[Entry[Any]]) -> Entries:
        """The entries with their rows as they are now; a row that is gone is told as such."""
        work, guard = self.work, self.work.guard
        at, most = 0, AT_ONCE
        while at < len(heads):
            page = heads[at : at + most]
            rows = self.fetch([key for _, key, _ in page])
            before = at
            for cursor, key, item in page:
                at += 1
                if isinstance(item, Prepared):
                    if key in rows:
                        item.item = guard.row = rows[key]
                    else:
                        item = Gone(work.source.label(item.item))
                yield cursor, key, item
                if guard.stale:
                    break
            most = at - before if guard.stale else min(AT_ONCE, most * 2)

    def fetch(self, keys: list[str]) -> dict[str, Any]:
        guard, pulse = self.work.guard, self.work.pulse
        guard.stale, guard.reading = False, True
        pulse.begin(STEP_LIMIT)
        try:
            return ask(UNREADABLE, lambda: dict(self.work.source.fetch(keys)))
        finally:
            guard.reading = False
            pulse.begin(self.work.operation.item_timeout)

    def prepare_one(self) -> None:
        item = self.window[0][2]
        if isinstance(item, Prepared):
            self.work.pulse.begin(self.work.operation.item_timeout)
            self.preparing.prepare(item)
            self.work.pulse.rest()

    @property
    def is_half_done(self) -> bool:
        return any(isinstance(item, Prepared) and item.is_begun for _, _, item in self.window)

    def wind_up(self) -> None:
        self.preparing.wind_up()

    def close(self) -> None:
        self.preparing.close()


def feed_for(work: Work, preparing: Preparing | None) -> Feed:
    """What the part's chunks are fed with."""
    if preparing is not None:
        return Ready(work, preparing)
    if isinstance(work.source, KeySource):
        return Keys(work)
    return Rows(work) if work.source.may_change else Ahead(work)


def is_verdict(item: Any) -> bool:
    return isinstance(item, VERDICTS)


def is_untouched(prepared: Prepared) -> bool:
    """Whether nobody but `prepare` has had it, and no fault of a database has spoilt it."""
    error = prepared.error
    return not prepared.handed_out and not (error and (is_transient(error) or is_lost(error)))


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


def told(entry: Entry[Any]) -> Entry[Any]:
    """The entry itself. Raises ValueError when its key is longer than can be kept."""
    if len(entry[1]) > LONGEST_KEY:
        raise ValueError(f"The source gave a key of {len(entry[1])} characters; at most {LONGEST_KEY} are kept.")
    return entry


def read(part: Part, source: Source[Any], cursor: Any = None) -> Entries:
    """The entries of a part from its cursor on: a range of its source, what an earlier run has left, or what was added
    and what is to be tried again by now."""
    cursor = part.cursor if cursor is None else cursor
    if part.phase:
        return read_later(part, source, cursor or [0, 0, 0])
    if part.retries_id is None:
        return source.read(part.bounds, cursor)
    if (found := added_in(part)) is not None:
        return read_added(found[0], source, after=cursor or found[1])
    above, last = failed_of(part)
    return read_failed(part.retries_id, source, after=cursor or above, last=last)


def read_failed(run_id: UUID, source: Source[Any], after: int, last: int) -> Entries:
    """The failed items of a run, as the source has them now."""
    while page := failed_keys(run_id, after, last, min(AT_ONCE, source.at_once)):
        found = dict(source.fetch([key for _, key, _ in page]))
        for after, key, label in page:
            item = found.get(key)
            yield after, key, Gone(label) if item is None else item


def read_added(part_id: int, source: Source[Any], after: int) -> Entries:
    """What the items of a part have added; a cursor is its id."""
    while page := discoveries.next_of(part_id, after, min(AT_ONCE, source.at_once)):
        found = dict(source.fetch([key for _, key in page]))
        for after, key in page:
            item = found.get(key)
            yield after, key, Gone(key) if item is None else item


def read_later(part: Part, source: Source[Any], cursor: list[int]) -> Entries:
    """What a later pass does: what was added, and then what is to be tried again. A cursor is [id of what was written
    down, attempts so far (None: it is new), id of what was added last]."""
    after, _, added = [*cursor, 0][:3]
    for place, key, item in read_added(part.pk, source, after=added) if part.added else ():
        added = cast(int, place)
        yield [after, None, added], key, item
    while page := retrying_keys(part, after, min(AT_ONCE, source.at_once)):
        found = dict(source.fetch([key for _, _, key, _ in page]))
        for after, attempts, key, label in page:
            item = found.get(key)
            yield [after, attempts, added], key, Gone(label) if item is None else item


def attempts_of(entry: Entry[Any]) -> int:
    """How often the item of a later pass has been done."""
    cursor: Any = entry[0]
    return int(cursor[1] or 0)


def added_in(part: Part) -> tuple[int, int] | None:
    """Where the part takes up what an earlier run's part was still to do of what was added: (that part's id, the id
    behind which that begins)."""
    bounds: Any = part.bounds
    return (int(bounds["added_in"]), int(bounds["above"])) if "added_in" in bounds else None


def failed_of(part: Part) -> tuple[int, int]:
    """The failed items that a retrying part takes up: (the id above which they begin, the last one's)."""
    bounds: Any = part.bounds
    return int(bounds.get("above", 0)), int(bounds["last"])
