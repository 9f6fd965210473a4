"""The rows in a sheet's XML, from its start or from any row on."""

from collections.abc import Iterator
from typing import IO, NamedTuple, TypeAlias

from .values import Cell
from .xml import LONGEST, Target, damaged, parse, plain

DIGITS = "0123456789"
MOST_COLUMNS, MOST_ROWS = 16_384, 1_048_576  # Excel's own limits
RowPlace: TypeAlias = tuple[int, int]
"""(where a row starts, in bytes of the unpacked XML; its number)"""


class RawRow(NamedTuple):
    """A row as the file has it."""

    place: RowPlace
    cells: dict[int, Cell]
    """By column, counted from 0; without those that have nothing in them."""
    above: tuple[str, ...]
    """The names of the elements in which it stands."""


def rows_behind(file: IO[bytes], row: RowPlace, above: tuple[str, ...]) -> Iterator[RawRow]:
    """Those behind a row that starts at this place, in elements of these names. Raises WorkbookError."""
    before = "".join(f"<{name}>" for name in above).encode()
    file.seek(row[0])
    found = gathered(file, Rows(row[0] - len(before), row[1] - 1), before)
    next(found, None)  # that row itself
    return found


def gathered(file: IO[bytes], rows: "Rows", before: bytes = b"") -> Iterator[RawRow]:
    """All rows, in order. Raises WorkbookError."""
    for _ in parse(file, rows, before):
        yield from rows.ready
        rows.ready.clear()


class Rows(Target):
    """Gathers rows. `base`: where the parser's first byte lies in the file; `number`: of the row before."""

    def __init__(self, base: int = 0, number: int = 0) -> None:
        self.base, self.number = base, number
        self.ready: list[RawRow] = []
        self.above: list[str] = []
        self.names: dict[str, str] = {}  # without their prefixes
        self.columns: dict[str, int] = {}  # by their letters
        self.cells: dict[int, Cell] = {}
        self.pieces: list[str] = []
        self.in_row = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        plain_name = self.names.get(name) or self.names.setdefault(name, plain(name))
        if not self.in_row:
            if plain_name == "row":
                self.begin_row(attributes)
            else:
                self.above.append(name)
        elif plain_name == "c":
            self.attributes, self.pieces, self.size = attributes, [], 0
            self.takes = self.is_formula = False
        elif plain_name in ("v", "t"):
            self.takes = True
        elif plain_name == "f":
            self.is_formula = True

    def end(self, name: str) -> None:
        plain_name = self.names[name]
        if not self.in_row:
            self.above.pop()
        elif plain_name == "c":
            self.end_cell()
        elif plain_name in ("v", "t"):
            self.takes = False
        elif plain_name == "row":
            self.in_row = False
            self.ready.append(RawRow((self.offset, self.number), self.cells, tuple(self.above)))

    def text(self, data: str) -> None:
        if self.in_row and self.takes:
            self.pieces.append(data)
            self.size += len(data)
            if self.size > LONGEST:
                raise damaged(f"a cell has more than {LONGEST:,} characters")

    def begin_row(self, attributes: dict[str, str]) -> None:
        self.in_row, self.takes = True, False
        self.offset = self.base + self.parser.CurrentByteIndex
        self.number = max(self.number + 1, whole(attributes.get("r", "")))
        if self.number > MOST_ROWS:
            raise damaged(f"it has a row {self.number:,}; the last that Excel has is {MOST_ROWS:,}")
        self.cells, self.column = {}, -1

    def end_cell(self) -> None:
        get = self.attributes.get
        reference = get("r")
        self.column = self.column + 1 if reference is None else self.column_of(reference)
        if self.column >= MOST_COLUMNS:
            raise damaged(f"row {self.number:,} has more than {MOST_COLUMNS:,} columns")
        if self.pieces or self.is_formula:
            text = self.pieces[0] if len(self.pieces) == 1 else "".join(self.pieces)
            name = reference or f"{column_letters(self.column)}{self.number}"
            self.cells[self.column] = Cell(name, get("t", "n"), whole(get("s", "")), text, self.is_formula)

    def column_of(self, reference: str) -> int:
        letters = reference.rstrip(DIGITS)
        if letters not in self.columns:
            number = 0
            for letter in letters:
                number = min(number * 26 + ord(letter.upper()) - ord("A") + 1, MOST_COLUMNS + 1)
            self.columns[letters] = max(0, number - 1)
        return self.columns[letters]


def whole(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def column_letters(column: int) -> str:
    letters, left = "", column + 1
    while left:
        left, letter = divmod(left - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return letters
