"""What the sources over a text file have in common: an item is known by the byte offset at which it starts. And `Row`,
also of a workbook."""

import sys
from abc import ABC, abstractmethod
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeAlias, TypeVar, cast

from headway.encoding import check_encoding
from headway.operations.outcomes import Unreadable

from .opening import Openable, name_of, opener
from .protocol import Entry, Json, Source
from .text import Flaw, Text

Value = TypeVar("Value")
Place: TypeAlias = tuple[int, int]
"""Between two lines: (the byte offset, how many lines lie before it)."""


class Row(dict[str, Value]):
    """One item of a file, by name; `line` is the number of the line where it starts, counted from 1."""

    __slots__ = ("line",)
    line: int


class Records(ABC, Generic[Value]):
    """The items in one open text."""

    @property
    @abstractmethod
    def first(self) -> Place:
        """Where the first item may start."""

    @abstractmethod
    def entries(self, place: Place) -> Iterator[Entry[Row[Value] | Unreadable]]:
        """The items from `place` on; their cursors are places too."""

    @abstractmethod
    def count(self) -> int:
        """How many items `entries` gives from the first on."""


class FileSource(Source[Row[Value] | Unreadable], Generic[Value]):
    """The items of a text file: read as a stream, and taken up again at any byte offset.

    Bounds are {"size": bytes}, so that what is appended later lies beyond them; a cursor is [the byte offset behind the
    item, the lines read so far]; a key is the byte offset at which the item starts. The file must not change otherwise.
    """

    def __init__(self, file: Openable, encoding: str | None = None) -> None:
        self.name = name_of(file)
        self.open = opener(file)
        self.encoding = check_encoding(encoding)
        self.known: list[Place] = []  # where `fetch` was last: the next keys lie near, and no line is counted twice

    def identity(self) -> str:
        return f"the file {self.name}" if self.name else "a file without a name"

    @abstractmethod
    def records(self, text: Text, bounds: Json = None) -> Records[Value]:
        """The items in this text; those of a part, where the bounds are a part's."""

    def freeze(self) -> Json:
        with self.text() as text:
            self.records(text)  # what is wrong with the file as a whole is said now
            return {"size": text.stop}

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[Row[Value] | Unreadable]]:
        with self.text(bounds) as text:
            records = self.records(text, bounds)
            yield from records.entries(records.first if after is None else place_of(after))

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, Row[Value] | Unreadable]]:
        with self.text() as text:
            records = self.records(text)
            place, entries = records.first, records.entries(records.first)
            known, self.known = [place, *self.known], []
            for start in sorted({int(key) for key in keys if key.isdecimal()}):
                if place[0] < start < text.stop:  # else it is the very next one
                    before, lines = max(place, known[bisect(known, (start, sys.maxsize)) - 1])
                    place = start, lines + text.lines_between(before, start)
                    entries = records.entries(place)
                for cursor, key, item in entries if place[0] == start else ():
                    place = place_of(cursor)
                    self.known.append(place)
                    if key == str(start):
                        yield key, item
                    break

    def count(self, bounds: Json) -> int:
        with self.text(bounds) as text:
            return self.records(text, bounds).count()

    def label(self, item: Row[Value] | Unreadable) -> str:
        return item.label if isinstance(item, Unreadable) else line_label(item.line)

    @contextmanager
    def text(self, bounds: Json = None) -> Iterator[Text]:
        """The file's text within the bounds, through an opened file of its own."""
        with self.open() as file:
            yield Text(file, self.encoding, None if bounds is None else cast("dict[str, Any]", bounds)["size"])


def place_of(cursor: Json) -> Place:
    offset, lines = cast("list[int]", cursor)
    return offset, lines


def unreadable(flaw: Flaw, line: int) -> Unreadable:
    return Unreadable(flaw.code, flaw.text, line_label(line))


def line_label(line: int) -> str:
    """What people call an item that starts on this line."""
    return f"line {line:,}"
