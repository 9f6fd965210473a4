"""The objects of an NDJSON file: one JSON object per line (https://github.com/ndjson/ndjson-spec)."""

import json
import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, cast

from headway.operations.outcomes import Unreadable

from .file_source import FileSource, Place, Records, Row, unreadable
from .protocol import Entry, Json
from .text import Flaw, Text

BLANK = " \t\r\n"  # what JSON itself counts as white space


class NdjsonSource(FileSource[Json]):
    """The objects of an NDJSON file, each a dictionary.

    `encoding`: of a file without a byte order mark; otherwise UTF-8. Blank lines are skipped. A line that isn't one
    JSON object is an `Unreadable` with the code "malformed" ("undecodable", "nul-character"). Stricter than Python:
    NaN, infinite numbers and names that occur twice in an object are malformed. It can be split: a part's bounds have
    a "start" as well, the byte offset of a line.
    """

    def records(self, text: Text, bounds: Json = None) -> "Objects":
        return Objects(text, cast("dict[str, Any]", bounds or {}).get("start", text.start))

    def split(self, bounds: Json, n: int) -> list[Json]:
        with self.text(bounds) as text:
            start = self.records(text, bounds).start
            ends = [text.line_behind(start + (text.stop - start) * number // n) for number in range(1, n)]
        places = [start, *(end for end in sorted(set(ends)) if end < text.stop), text.stop]
        return [{"start": place, "size": end} for place, end in pairwise(places)]


class Objects(Records[Json]):
    """The objects of one open text, from the line at the byte offset `start` on."""

    def __init__(self, text: Text, start: int) -> None:
        self.text, self.start = text, start

    @property
    def first(self) -> Place:
        return self.start, self.text.lines_between(self.text.start, self.start)

    def entries(self, place: Place) -> Iterator[Entry[Row[Json] | Unreadable]]:
        start, number = place
        for end, line, flaw in self.text.lines(start):
            number += 1
            if flaw or line.strip(BLANK):
                yield [end, number], str(start), parse(line, flaw, number)
            start = end

    def count(self) -> int:
        return sum(1 for _, line, flaw in self.text.lines(self.start) if flaw or line.strip(BLANK))


def parse(line: str, flaw: Flaw | None, number: int) -> Row[Json] | Unreadable:
    if flaw:
        return unreadable(flaw, number)
    try:
        value = DECODER.decode(line)
    except RecursionError:
        return malformed("it is nested too deeply", number)
    except ValueError as error:
        return malformed(str(error), number)
    if not isinstance(value, dict):
        return malformed(f"it is {NAMES[type(value)]}", number)
    row = Row(value)
    row.line = number
    return row


def malformed(what: str, number: int) -> Unreadable:
    return unreadable(Flaw("malformed", f"The line is not a JSON object: {what}."), number)


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} occurs twice")
    return found


def finite(number: str) -> float:
    value = float(number)
    if not math.isfinite(value):  # 1e999 is; so are NaN and Infinity, which JSON doesn't have
        raise ValueError(f"{number} is not a number that can be stored")
    return value


DECODER = json.JSONDecoder(object_pairs_hook=unique, parse_float=finite, parse_constant=finite)
NAMES = {list: "an array", str: "a string", int: "a number", float: "a number", bool: "a boolean", type(None): "null"}
