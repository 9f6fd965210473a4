"""A sheet as a table: its first row that has anything in it names the columns, and each row below it is a record."""

from collections.abc import Iterator

from .rows import RawRow, RowPlace, Rows, gathered, rows_behind
from .strings import MissingText, Strings
from .values import CellError, Value
from .workbook import Sheet, Workbook
from .xml import WorkbookError


class Table:
    """The table in a sheet. Raises WorkbookError where its header can't be used."""

    def __init__(self, book: Workbook, sheet: Sheet, strings: Strings) -> None:
        self.book, self.sheet, self.strings = book, sheet, strings
        self.rows = gathered(book.open(sheet.part), Rows())
        self.header = next((row for row in self.rows if not self.is_blank(row)), None)
        if self.header is None:
            raise WorkbookError("empty", f"The sheet “{sheet.name}” is empty; its first row should name the columns.")
        self.columns = self.named(self.header)

    def below(self, place: RowPlace | None = None) -> Iterator[RawRow]:
        """The rows below the header, or below the row at this place; without those that have nothing to read."""
        assert self.header is not None
        rows = self.rows
        if place is not None:
            rows = rows_behind(self.book.open(self.sheet.part), place, self.header.above)
        return (row for row in rows if not self.is_blank(row))

    def record(self, row: RawRow) -> dict[str, Value]:
        """The row's values by their columns' names; None for an empty cell. Raises CellError."""
        for column in row.cells.keys() - self.columns.keys():
            if self.value(row, column) is not None:
                raise CellError(
                    "unnamed-column",
                    f"Cell {row.cells[column].name} has a value, but its column has no name in the header.",
                )
        try:
            return {name: self.value(row, column) for column, name in self.columns.items()}
        except MissingText as error:
            raise CellError(
                "malformed", f"The row has a text that isn't in the file (number {error.number:,})."
            ) from error

    def value(self, row: RawRow, column: int) -> Value:
        cell = row.cells.get(column)
        return None if cell is None else self.book.value(cell, self.strings)

    def is_blank(self, row: RawRow) -> bool:
        return all(self.reads_as_nothing(row, column) for column in row.cells)

    def reads_as_nothing(self, row: RawRow, column: int) -> bool:
        cell = row.cells[column]
        if cell.is_formula or cell.type not in ("s", "str", "inlineStr"):
            return False
        try:
            value = self.value(row, column)
        except (CellError, MissingText):
            return False
        return value is None or not str(value).strip()

    def named(self, row: RawRow) -> dict[int, str]:
        columns: dict[int, str] = {}
        for column in sorted(row.cells):
            try:
                value = self.value(row, column)
            except CellError as error:
                raise WorkbookError("header", f"The header is not readable. {error}") from error
            name = "" if value is None else str(value).strip()
            if name in columns.values():
                raise WorkbookError(
                    "duplicate-column", f"The header has the column “{name}” twice; each name may be there once."
                )
            if name:
                columns[column] = name
        return columns
