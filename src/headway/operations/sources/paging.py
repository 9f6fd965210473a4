"""Reading page by page, dividing a number of items into shares, and finding items by their keys in what can only be
gone through from its beginning."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, TypeAlias, TypeVar

At = TypeVar("At")
Item = TypeVar("Item")
Page: TypeAlias = Sequence[tuple[At, Item]]

AT_ONCE = 500  # keys in one IN (…): below every database's limit on parameters


def paged(page: Callable[[At, int], Page[At, Item]], after: At, limit: Callable[[], int]) -> Iterator[tuple[At, Item]]:
    """What `page(after, limit())` gives, again and again behind the last row used, until it gives nothing."""
    while rows := page(after, limit()):
        for after, item in rows:  # and so the next page begins behind the last row used
            yield after, item


def shares(count: int, n: int) -> Iterator[tuple[int, int]]:
    """(start, end) of at most `n` ranges of so many items, in order, as long as each other but for one item."""
    return ((start, end) for start, end in pairwise(count * number // n for number in range(n + 1)) if start < end)


class Seeking:
    """What is sought comes in about the order of what is gone through: so each search goes on where the last one
    ended, and begins anew only for what it hasn't found.
    """

    def __init__(self, walk: Callable[[], Iterator[tuple[str, Any]]]) -> None:
        self.walk = walk
        self.rest: Iterator[tuple[str, Any]] = iter(())

    def fetch(self, keys: Iterable[str]) -> Iterator[tuple[str, Any]]:
        """(key, item) for those of the keys that are there."""
        wanted = set(keys)
        yield from self.found(wanted)
        if wanted:
            self.rest = self.walk()
            yield from self.found(wanted)

    def found(self, wanted: set[str]) -> Iterator[tuple[str, Any]]:
        while wanted and (each := next(self.rest, None)):
            if each[0] in wanted:
                wanted.discard(each[0])
                yield each
