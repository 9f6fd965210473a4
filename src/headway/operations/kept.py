"""What an operation gives away: a file that its items write row by row, and the values that `process` returns.

Both are put into JSON at once, so that nothing that an item changes later reaches what another has given.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder

from headway.errors import NotKept

BAD_KEY, BAD_RESULT, BAD_ROW = "bad-key", "bad-result", "bad-row"
NAME = re.compile(r"[\w][\w. -]{0,190}\.(csv|ndjson)")
ENCODER = DjangoJSONEncoder(allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True)
class File:
    """The file that a run leaves to take away; `self.write(row)` in `process` adds a row to it.

    `name`: what it is called, ending in .csv or .ndjson; the other format is to be had as well. `columns`: what a row
    may have, in this order. A row is a dictionary; a column that it leaves out is empty.
    """

    name: str
    columns: tuple[str, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ValueError(f"File: name is {self.name!r}; it must be a file's name that ends in .csv or .ndjson.")
        columns: Any = self.columns
        if not isinstance(columns, tuple | list) or not columns or not all(isinstance(name, str) for name in columns):
            raise ValueError(f'File: columns is {columns!r}; it must name them, such as ("icao", "name").')
        if len(set(columns)) < len(columns):
            raise ValueError(f"File: columns is {columns!r}; each name may stand in it once.")
        object.__setattr__(self, "columns", tuple(columns))

    def line(self, row: Mapping[str, Any]) -> str:
        """The row as it is stored: its values in JSON, in the order of the columns. Raises NotKept."""
        if not isinstance(row, Mapping):
            raise NotKept(BAD_ROW, f"write() takes a dictionary of columns, not {type(row).__name__}.")
        if others := [name for name in row if name not in self.columns]:
            raise NotKept(BAD_ROW, f"The row has {others[0]!r}; the file's columns are {', '.join(self.columns)}.")
        try:
            return ENCODER.encode([row.get(name) for name in self.columns])
        except (TypeError, ValueError, RecursionError) as error:
            raise NotKept(BAD_ROW, f"The row can't be written: {error}") from error


def kept_value(value: Any) -> str:
    """What `process` returned, in JSON. Raises NotKept."""
    try:
        return storable_json(value)
    except (TypeError, ValueError, RecursionError) as error:
        text = f"process() returned a value of type {type(value).__name__} that is not JSON: {error}"
        raise NotKept(BAD_RESULT, text) from error


def plain_json(value: Any) -> Any:
    """A copy, as every database keeps it and gives it back. Raises TypeError, ValueError or RecursionError."""
    return json.loads(storable_json(value))


def storable_json(value: Any) -> str:
    """The value in JSON that every database keeps. Raises as `plain_json`."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()  # half of a surrogate pair can't be
    if "\\u0000" in text.replace("\\\\", ""):
        raise ValueError("a NUL character can't be stored")
    return text
