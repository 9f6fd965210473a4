"""Reading page by page, each so small that its rows are still fresh when their turn comes. Knows no database."""

from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import TypeAlias, TypeVar

__all__ = ["AT_ONCE", "Page", "paged", "sized"]

At = TypeVar("At")
Item = TypeVar("Item")
Page: TypeAlias = Sequence[tuple[At, Item]]

FIRST = 100  # rows, before anything is known of how long one takes
LARGEST = 2000  # rows: beyond that a query costs no less per row, and the memory grows
TARGET_SECONDS = 0.5  # of work in a page
STALE_SECONDS = 2 * TARGET_SECONDS  # then the rest of a page is read again rather than used
AT_ONCE = 500  # keys in one IN (…): below every database's limit on parameters


def paged(page: Callable[[At, int], Page[At, Item]], after: At) -> Iterator[tuple[At, Item]]:
    """What `page(after, limit)` gives, again and again behind the last row used, until it gives nothing."""
    limit = FIRST
    while rows := page(after, limit):
        began, used = monotonic(), 0
        for after, item in rows:  # and so the next page begins behind the last row used
            yield after, item
            used += 1
            if monotonic() - began > STALE_SECONDS:
                break
        limit = sized(used, monotonic() - began)


def sized(used: int, seconds: float) -> int:
    """How many rows the next page should have, when so many took so long."""
    return LARGEST if seconds <= 0 else max(1, min(LARGEST, int(used * TARGET_SECONDS / seconds)))
