"""Finding items by their keys in what can only be gone through from its beginning."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any


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
