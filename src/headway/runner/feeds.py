"""Which feed a part's chunks have, by its operation and its source; and the feed of items that are prepared before
their chunk."""

from typing import Any

from headway.database import is_lost, is_transient
from headway.operations.outcomes import Gone
from headway.operations.sources import Entry
from headway.operations.sources.table import TableSource

from .feed import GROWTH, LARGEST, Ahead, Feed, Keys, Rows
from .flight import Flight
from .in_hand import Work
from .preparing import Prepared, Preparing, preparing
from .reading import AT_ONCE, Entries, is_verdict, read_inside


def feed_for(work: Work) -> Feed:
    """What the part's chunks are fed with."""
    if work.operation.is_outside():
        return Flight(work)
    if (beforehand := preparing(work)) is not None:
        return Ready(work, beforehand)
    if isinstance(work.source, TableSource) and work.source.gives_keys:
        return Keys(work)
    return Rows(work) if work.source.may_change else Ahead(work)


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
            keys = [key for _, key, _ in page]
            rows = read_inside(work, lambda: dict(work.source.fetch(keys)))  # noqa: B023  (called at once)
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


def is_untouched(prepared: Prepared) -> bool:
    """Whether nobody but `prepare` has had it, and no fault of a database has spoilt it."""
    error = prepared.error
    return not prepared.handed_out and not (error and (is_transient(error) or is_lost(error)))
