"""Reading ahead: the entries between the last checkpoint and what the next chunk may need."""

import time
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from headway.models import Part
from headway.operations.outcomes import Unreadable
from headway.operations.sources import Entry, Source
from headway.store.outcomes import failed_keys

__all__ = ["Reader", "failed_of", "read"]

LONGEST_FILL = 0.25  # s: a slow source must not keep what it has given already from being worked
PAGE = 500
LONGEST_KEY = 255
END: Any = object()


class Reader:
    """A window on a source. What was read stays in it until its chunk is committed, so that a replay reads nothing."""

    def __init__(self, entries: Iterator[Entry[Any]]) -> None:
        self.entries = entries
        self.window: list[Entry[Any]] = []

    def fill(self, size: int) -> None:
        """Read until the window holds `size` entries or the source ends; a slow source is left after one entry."""
        give_up = time.monotonic() + LONGEST_FILL
        window, wanted = self.window, size
        while len(window) < wanted:
            entry = next(self.entries, END)
            if entry is END:
                return
            if len(entry[1]) > LONGEST_KEY:
                raise ValueError(
                    f"The source gave a key of {len(entry[1])} characters; at most {LONGEST_KEY} are kept."
                )
            window.append(entry)
            if time.monotonic() > give_up:
                return

    def drop(self, count: int) -> None:
        """Forget the first `count` entries: their chunk is committed."""
        del self.window[:count]


def read(part: Part, source: Source[Any]) -> Iterator[Entry[Any]]:
    """The entries of a part from its cursor on: a range of its source, or the failed items of an earlier run."""
    if part.retries_id is None:
        return source.read(part.bounds, part.cursor)
    above, last = failed_of(part)
    return read_failed(part.retries_id, source, after=part.cursor or above, last=last)


def read_failed(run_id: UUID, source: Source[Any], after: int, last: int) -> Iterator[Entry[Any]]:
    """The failed items of a run, as the source has them now."""
    while page := failed_keys(run_id, after, last, PAGE):
        found = dict(source.fetch([key for _, key, _ in page]))
        for after, key, label in page:
            item = found.get(key)
            if item is None:
                item = Unreadable("gone", "It isn't there any more.", label)
            yield after, key, item


def failed_of(part: Part) -> tuple[int, int]:
    """The failed items that a retrying part takes up: (the id above which they begin, the last one's)."""
    bounds: Any = part.bounds
    return int(bounds.get("above", 0)), int(bounds["last"])
