"""CSV and NDJSON: how lines are written. Where an item has a column of Headway's name, Headway's
gets a prefix."""

import csv
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, time
from typing import Any, NamedTuple

from .kinds import Kind
from .originals import ITEM, Line
from .values import encoded, encoded_object

FORMULA = frozenset("=+-@\t\r\n＝＋－＠")  # OWASP, "CSV injection"
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?")


class Header(NamedTuple):
    """The columns of a CSV file: the items' own, and what is told of each."""

    item: list[str]
    told: list[str]
    kind: Kind


def csv_header(header: Header) -> bytes:
    columns = header.item or [ITEM]
    return csv_of([[*columns, *ours(header.told, columns)]])


def csv_rows(lines: list[Line], header: Header) -> bytes:
    """Without columns, an item stands in one, as JSON if need be."""
    columns, cells = header.item or [ITEM], header.kind.cells
    return csv_of([*item_cells(line.item, columns), *cells(line.told, header.told)] for line in lines)


def item_cells(item: dict[str, Any], columns: list[str]) -> Iterable[Any]:
    item = {ITEM: item} if columns == [ITEM] and item and item.keys() != {ITEM} else item
    return map(item.get, columns)


def csv_of(rows: Iterable[Iterable[Any]]) -> bytes:
    """These rows as CSV, none of whose cells a spreadsheet takes for a formula."""
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


def ndjson_rows(lines: list[Line], header: Header) -> bytes:
    """One JSON object per line."""
    rows = (line.item | dict(zip(ours(line.told, line.item), line.told.values(), strict=True)) for line in lines)
    return "".join(f"{encoded_object(row)}\n" for row in rows).encode()


def ours(told: Iterable[str], columns: Iterable[str]) -> list[str]:
    """What is told, by names that no column has yet."""
    taken = dict.fromkeys(columns)
    names = []
    for name in told:
        while name in taken:
            name = f"headway_{name}"
        taken[name] = None
        names.append(name)
    return names


@dataclass(frozen=True)
class Format:
    """How a file is written, and what it is called."""

    media_type: str
    details: str
    header: Callable[[Header], bytes]
    """What stands before all rows."""
    rows: Callable[[list[Line], Header], bytes]
    """These rows."""


FORMATS = {
    "csv": Format("text/csv", "; charset=utf-8; header=present", csv_header, csv_rows),
    "ndjson": Format("application/x-ndjson", "", lambda header: b"", ndjson_rows),
}
