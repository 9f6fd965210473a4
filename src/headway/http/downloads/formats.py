"""CSV and NDJSON: how lines are written. Names of ours that an item has as well get a prefix; its own stay."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from .originals import ITEM, Line
from .values import encoded, encoded_object

__all__ = ["FORMATS", "Format"]

OURS = ("key", "code", "text")
FORMULA = frozenset("=+-@\t\r\n＝＋－＠")  # OWASP, "CSV injection"
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?")


def csv_header(columns: list[str]) -> bytes:
    return written([[*(columns or [ITEM]), *ours(columns or [ITEM])]])


def csv_rows(lines: list[Line], columns: list[str]) -> bytes:
    """Without columns, an item stands in one, as JSON if need be."""
    return written(csv_row(line, columns or [ITEM]) for line in lines)


def csv_row(line: Line, columns: list[str]) -> list[Any]:
    item = {ITEM: line.item} if columns == [ITEM] and line.item and line.item.keys() != {ITEM} else line.item
    return [*map(item.get, columns), line.key, line.code, line.text]


def written(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    # Nearly all are plain: to ask for each one by a call would take longer than to write it.
    csv.writer(text).writerows(
        [value if type(value) is str and value[:1] not in FORMULA else cell(value) for value in row] for row in rows
    )
    return text.getvalue().encode("utf-8", "replace")


def cell(value: Any) -> str:
    """The value as text that no spreadsheet takes for a formula; a plain number is none."""
    text = value if isinstance(value, str) else text_of(value)
    return f"'{text}" if text[:1] in FORMULA and not NUMBER.fullmatch(text) else text


def text_of(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, date | time):
        return value.isoformat()
    return encoded_object(value) if isinstance(value, dict) else encoded(value)


def ndjson_rows(lines: list[Line], columns: list[str]) -> bytes:
    """One JSON object per line."""
    return "".join(f"{encoded_object(ndjson_row(line))}\n" for line in lines).encode()


def ndjson_row(line: Line) -> dict[str, Any]:
    return line.item | dict(zip(ours(line.item), (line.key, line.code, line.text), strict=True))


def ours(columns: Container[str]) -> list[str]:
    return [f"headway_{name}" if name in columns else name for name in OURS]


@dataclass(frozen=True)
class Format:
    """How a file is written, and what it is called."""

    media_type: str
    details: str
    header: Callable[[list[str]], bytes]
    """What stands before all rows, given the columns."""
    rows: Callable[[list[Line], list[str]], bytes]
    """These rows, given the columns."""


FORMATS = {
    "csv": Format("text/csv", "; charset=utf-8; header=present", csv_header, csv_rows),
    "ndjson": Format("application/x-ndjson", "", lambda columns: b"", ndjson_rows),
}
