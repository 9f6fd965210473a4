"""What has become of a chunk's items."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from headway.operations.outcomes import Stop
from headway.operations.sources import Entry

__all__ = ["Entries", "Left", "Tally"]

Entries: TypeAlias = Iterator[Entry[Any]]


class Left(Exception):
    """The verdict on an item that is left out without being run."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


@dataclass
class Tally:
    """What has become of a chunk's items so far."""

    done: int = 0
    cursor: Any = None
    """Behind the last of them."""
    ended: list[tuple[Entry[Any], Exception]] = field(default_factory=list)
    """Those that did not succeed, and what they raised."""
    undone: int = 0
    """How many had been done when an item last had to be undone; 0: none had."""
    stop: Stop | None = None

    def count(self, entry: Entry[Any], error: Exception | None = None) -> None:
        """An item has ended."""
        self.done += 1
        self.cursor = entry[0]
        if error is not None:
            self.ended.append((entry, error))
