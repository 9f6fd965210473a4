"""What has become of a chunk's items."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias, TypeVar

from headway.operations.outcomes import Interruption, Skip
from headway.operations.sources import Entry

Entries: TypeAlias = Iterator[Entry[Any]]
T = TypeVar("T")


class Left(Exception):
    """The verdict on an item that is left out without being run."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code, self.text = code, text


class Ended(NamedTuple):
    """An item that did not succeed."""

    place: int
    """Which of the chunk's items it was, from 1."""
    entry: Entry[Any]
    error: Exception
    effects: tuple[str, ...] = ()
    """The names of its effects outside that have gone out."""


@dataclass
class Tally:
    """What has become of a chunk's items so far."""

    again: list[int] | None = None
    """In a later pass: what was written down of the items that have been done again (its ids)."""
    done: int = 0
    cursor: Any = None
    """Behind the last of them."""
    ended: list[Ended] = field(default_factory=list)
    failed: int = 0
    """How many of those have not been skipped."""
    undone: int = 0
    """How many had been done when an item last had to be undone; 0: none had."""
    interruption: Interruption | None = None
    stopped: bool = False
    """Whether something else than to run has ended a step in the midst of it."""
    in_sets: bool = False
    """Whether one call does all items, so that a row that is written belongs to no single one."""
    rows: list[tuple[int, str]] = field(default_factory=list)
    """Rows of the run's file, each with the place of the item that has written it; 0: of none."""
    found: list[tuple[int, list[str]]] = field(default_factory=list)
    """Keys of items that they have added, likewise."""
    found_keys: int = 0
    values: list[tuple[int, str]] = field(default_factory=list)
    """What `process` returned and is to be kept, in JSON, likewise."""
    seen: list[Entry[Any]] = field(default_factory=list)
    """The items that were handed out, where results are kept."""
    flight: list[list[Any]] | None = None
    """What is under way outside from now on; None: as it was."""

    def write(self, line: str) -> None:
        """The item in hand has written a row."""
        self.rows.append((0 if self.in_sets else self.done + 1, line))

    def find(self, keys: list[str]) -> int:
        """The item in hand has added these; gives how many the chunk has added."""
        self.found.append((0 if self.in_sets else self.done + 1, keys))
        self.found_keys += len(keys)
        return self.found_keys

    def keep(self, value: str) -> None:
        """The item in hand has returned this."""
        self.values.append((self.done + 1, value))

    def see(self, entries: Entries) -> Entries:
        """The same; what is handed out can be told afterwards."""
        for entry in entries:
            self.seen.append(entry)
            yield entry

    def of_succeeded(self, given: list[tuple[int, T]]) -> list[tuple[int, T]]:
        """The same without what came of items that have not succeeded: they failed, or were interrupted."""
        others = {each.place for each in self.ended}
        return [(place, each) for place, each in given if place <= self.done and place not in others]

    def count_all(self, entries: Sequence[Entry[Any]]) -> None:
        """All of these have succeeded."""
        self.done += len(entries)
        self.cursor = entries[-1][0]
        if self.again is not None:
            self.again.extend(outcome for entry in entries if (outcome := tried_before(entry)))

    def count(self, entry: Entry[Any], error: Exception | None = None, effects: tuple[str, ...] = ()) -> None:
        """An item has been done."""
        self.done += 1
        self.cursor = entry[0]
        if self.again is not None and (outcome := tried_before(entry)):
            self.again.append(outcome)
        if error is not None:
            self.ended.append(Ended(self.done, entry, error, effects))
            self.failed += not isinstance(error, Skip)


def tried_before(entry: Entry[Any]) -> int | None:
    """The id of what was written down when an item of a later pass was done last; None: it was added, and is new."""
    cursor: Any = entry[0]
    return None if cursor[1] is None else int(cursor[0])
