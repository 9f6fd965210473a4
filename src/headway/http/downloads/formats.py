"""CSV and NDJSON: how lines are written. Where an item has a column of Headway's name, Headway's gets a prefix.

What JSON can't say is told as text, so that no value breaks a file off. The values come out of the project's own source
and may be anything: a set, a model, one that contains itself.
"""

import csv
import io
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, NamedTuple

from django.core.serializers.json import DjangoJSONEncoder

from .originals import ITEM, Kind, Line

FORMULA = frozenset("=+-@\t\r\n＝＋－＠")  # OWASP, "CSV injection"
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?([eE][+-]?[0-9]+)?")
PLAIN = frozenset((str, bool, type(None)))  # which json says as they are; the cells of a file are nothing else


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


class Encoder(DjangoJSONEncoder):
    """Moments, decimals and the like as Django has them, and anything else as its own text."""

    def default(self, o: Any) -> Any:
        try:
            return super().default(o)
        except TypeError:
            return str(o)


def encoded_object(members: Mapping[str, Any]) -> str:
    """An object, each of its values by itself: one that can't be told costs no other."""
    if PLAIN.issuperset(map(type, members.values())):
        return json.dumps(members)
    return f"{{{', '.join(f'{json.dumps(name)}: {encoded(value)}' for name, value in members.items())}}}"


def encoded(value: Any) -> str:
    """The value; of one whose text can't even be had, only what kind it is."""
    try:
        return json.dumps(sayable(value), cls=Encoder)
    except Exception:  # noqa: BLE001  (the project's own values, and whatever they raise)
        return json.dumps(f"<{type(value).__name__}>")


def sayable(value: Any) -> Any:
    """The same with names that are texts and no NaN or infinity: the encoder calls no hook for those."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): sayable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [sayable(each) for each in value]
    return value


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
