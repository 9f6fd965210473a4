"""CSV and NDJSON: how lines are written. Names of ours that an item has as well get a prefix; its own stay."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from .originals import ITEM
from .rows import Line
from .values import encoded, encoded_object

__all__ = ["FORMS", "Form"]

OURS = ("key", "code", "text")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # OWASP, "CSV injection"
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?")


def csv_blocks(pages: Iterable[list[Line]], columns: list[str]) -> Iterator[bytes]:
    """The file piece by piece, the header first. Without columns, an item stands in one, as JSON if need be."""
    columns = columns or [ITEM]
    yield written([[*columns, *ours(columns)]])
    for page in pages:
        yield written(csv_row(line, columns) for line in page)


def csv_row(line: Line, columns: list[str]) -> list[Any]:
    item = {ITEM: line.item} if columns == [ITEM] and line.item and line.item.keys() != {ITEM} else line.item
    return [*(item.get(column) for column in columns), line.key, line.code, line.text]


def written(rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows([cell(value) for value in row] for row in rows)
    return text.getvalue().encode("utf-8", "replace")


def cell(value: Any) -> str:
    """The value as text that no spreadsheet takes for a formula; a plain number is none."""
    if value is None:
        return ""
    if isinstance(value, date | time):
        return value.isoformat()
    text = value if isinstance(value, str) else encoded_object(value) if isinstance(value, dict) else encoded(value)
    return f"'{text}" if text.startswith(FORMULA) and not NUMBER.fullmatch(text) else text


def ndjson_blocks(pages: Iterable[list[Line]], columns: list[str]) -> Iterator[bytes]:
    """The file piece by piece: one JSON object per line."""
    for page in pages:
        yield "".join(f"{encoded_object(ndjson_row(line))}\n" for line in page).encode()


def ndjson_row(line: Line) -> dict[str, Any]:
    return line.item | dict(zip(ours(line.item), (line.key, line.code, line.text), strict=True))


def ours(columns: Iterable[str]) -> list[str]:
    taken = set(columns)
    return [f"headway_{name}" if name in taken else name for name in OURS]


@dataclass(frozen=True)
class Form:
    """How a file is written, and what it is called."""

    media_type: str
    details: str
    blocks: Callable[[Iterable[list[Line]], list[str]], Iterator[bytes]]


FORMS = {
    "csv": Form("text/csv", "; charset=utf-8; header=present", csv_blocks),
    "ndjson": Form("application/x-ndjson", "", ndjson_blocks),
}
