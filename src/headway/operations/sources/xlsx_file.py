"""The rows of a sheet of an Excel workbook, each under the names in the header."""

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from headway.errors import ChangedMeanwhile
from headway.operations.outcomes import Unreadable
from headway.workbooks import CellError, RawRow, Strings, Table, Value, Workbook

from .file_source import Row
from .opening import Openable, name_of, opener
from .paging import Seeking
from .protocol import Entry, Json, Source


class XlsxSource(Source[Row[Value] | Unreadable]):
    """The rows of a sheet, each a dictionary by the names in its first row: text, whole numbers, numbers, dates, times,
    truth values, and None for an empty cell. `sheet`: its name; otherwise the first one that isn't hidden.

    Of a formula it gives the result that Excel has stored, of merged cells the value in the first one. Rows without
    anything to read are skipped. A row that can't be read is an `Unreadable` with the code "cell-error" (#N/A and its
    like), "not-calculated" (a formula without a result), "unnamed-column" (a value beside the named columns) or
    "malformed".

    Bounds are {"sheet": its name, "content": checksums}; a cursor is [where the row starts in the unpacked sheet, its
    number]; a key is the row's number. To take a run up costs the unpacking of what lies before. Everything but `label`
    raises WorkbookError, and ChangedMeanwhile for another content than at the start.
    """

    def __init__(self, file: Openable, sheet: str | None = None) -> None:
        self.name = name_of(file)
        self.open = opener(file)
        self.sheet = sheet
        self.seeking = Seeking(lambda: ((key, item) for _, key, item in self.read(None, None)))

    def identity(self) -> str:
        within = f"the sheet {self.sheet} of " if self.sheet else ""
        return f"{within}the file {self.name}" if self.name else f"{within}a workbook without a name"

    def freeze(self) -> Json:
        with self.table(None) as table:
            return {"sheet": table.sheet.name, "content": [*table.book.fingerprint(table.sheet)]}

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[Row[Value] | Unreadable]]:
        with self.table(bounds) as table:
            for row in table.below(None if after is None else cast("tuple[int, int]", tuple(cast("list[int]", after)))):
                yield [*row.place], str(row.place[1]), item_of(table, row)

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, Row[Value] | Unreadable]]:
        return self.seeking.fetch(keys)

    def count(self, bounds: Json) -> int:
        with self.table(bounds) as table:
            return sum(1 for _ in table.below())

    def label(self, item: Row[Value] | Unreadable) -> str:
        return item.label if isinstance(item, Unreadable) else row_label(item.line)

    @contextmanager
    def table(self, bounds: Json) -> Iterator[Table]:
        """The table within the bounds, through an opened file of its own."""
        frozen = cast("dict[str, Any]", bounds or {})
        with self.open() as file:
            book = Workbook(file)
            sheet = book.sheet(frozen.get("sheet", self.sheet))
            if bounds is not None and frozen["content"] != book.fingerprint(sheet):
                raise ChangedMeanwhile(f"The sheet “{sheet.name}” isn't as it was when this run began.")
            yield Table(book, sheet, kept_strings(self.name, book))


def item_of(table: Table, row: RawRow) -> Row[Value] | Unreadable:
    number = row.place[1]
    try:
        item: Row[Value] = Row(table.record(row))
    except CellError as error:
        return Unreadable(error.code, str(error), row_label(number))
    item.line = number
    return item


def row_label(number: int) -> str:
    """What people call the row."""
    return f"row {number:,}"


kept: dict[tuple[Any, ...], Strings] = {}
"""The shared texts of the workbook that this process has read last: each slice, and whatever is read again, needs them
anew, and to read them takes longer than a slice among many may."""
lock = threading.Lock()


def kept_strings(name: str, book: Workbook) -> Strings:
    key = (name, *book.checksum(book.strings_part))
    with lock:
        if key not in kept:
            kept.clear()
            kept[key] = book.strings()
        return kept[key]
