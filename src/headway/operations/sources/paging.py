"""Reading page by page, each as long as the reader asks for. Knows no database."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias, TypeVar

At = TypeVar("At")
Item = TypeVar("Item")
Page: TypeAlias = Sequence[tuple[At, Item]]

AT_ONCE = 500  # keys in one IN (…): below every database's limit on parameters


def paged(page: Callable[[At, int], Page[At, Item]], after: At, limit: Callable[[], int]) -> Iterator[tuple[At, Item]]:
    """What `page(after, limit())` gives, again and again behind the last row used, until it gives nothing."""
    while rows := page(after, limit()):
        for after, item in rows:  # and so the next page begins behind the last row used
            yield after, item
