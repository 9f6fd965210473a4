"""What a cell holds, as Python has it."""

import re
from datetime import date, datetime, time, timedelta
from enum import Enum
from typing import NamedTuple, TypeAlias

from .strings import Strings, unescaped

Value: TypeAlias = str | int | float | bool | date | time | timedelta | None
"""A date without a time is a `date`, one with a time a `datetime`; None: the cell is empty."""


class Cell(NamedTuple):
    """A cell as the file has it."""

    name: str
    """Such as "C12"."""
    type: str
    style: int
    text: str
    is_formula: bool


class CellError(ValueError):
    """The cell has no value: code and sentence."""

    def __init__(self, code: str, text: str) -> None:
        self.code = code
        super().__init__(text)


class Kind(Enum):
    """What a number stands for, by its cell's number format."""

    NUMBER = "number"
    DATE = "date"
    MOMENT = "moment"
    TIME = "time"
    ELAPSED = "elapsed"


BUILT_IN = (
    dict.fromkeys([*range(14, 18), *range(27, 32), 36, *range(50, 55), 57, 58], Kind.DATE)
    | dict.fromkeys([*range(18, 22), *range(32, 36), 45, 47, 55, 56], Kind.TIME)
    | {22: Kind.MOMENT, 46: Kind.ELAPSED}
)  # ECMA-376 part 1, 18.8.30
ELAPSED = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
LITERAL = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]', re.DOTALL)
START, START_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)
LEAP_1900 = 60  # Excel has a 29 February 1900: the days before it lie one later
LAST_DAY = 2_958_465  # 31 December 9999


def kind_of(number: int, code: str | None) -> Kind:
    """What a number format makes of its numbers: one of Excel's own, by its number, or a code such as "yyyy-mm-dd"."""
    if code is None:
        return BUILT_IN.get(number, Kind.NUMBER)
    first = code.split(";")[0]
    if ELAPSED.search(first):
        return Kind.ELAPSED
    letters = set(LITERAL.sub("", first).lower())
    has_time, has_date = bool(letters & set("hs")), bool(letters & set("dy"))
    if has_time:
        return Kind.MOMENT if has_date else Kind.TIME
    return Kind.DATE if has_date or "m" in letters else Kind.NUMBER


def value_of(cell: Cell, kinds: list[Kind], strings: Strings, is_1904: bool) -> Value:
    """The cell's value. Raises CellError."""
    if not cell.text:
        if cell.is_formula and cell.type != "str":
            raise CellError(
                "not-calculated",
                f"The formula in cell {cell.name} has no result in the file. Open it in Excel and save it.",
            )
        return None
    if cell.type == "s":
        return strings[int(cell.text)] or None
    if cell.type == "b":
        return cell.text == "1"
    if cell.type == "e":
        raise CellError("cell-error", f"Cell {cell.name} has the error {cell.text[:20]}.")
    if cell.type in ("str", "inlineStr"):
        return unescaped(cell.text)
    if cell.type == "d":
        return datetime.fromisoformat(cell.text)
    return number_of(cell.text, kinds[cell.style] if cell.style < len(kinds) else Kind.NUMBER, is_1904)


def number_of(text: str, kind: Kind, is_1904: bool) -> Value:
    number = float(text)
    if kind is Kind.NUMBER or not 0 <= number < LAST_DAY + 1:
        whole = number.is_integer() and abs(number) < 2**53
        return (int(text) if text.isdecimal() else int(number)) if whole else number
    span = timedelta(milliseconds=round(number * 86_400_000))
    if kind is Kind.ELAPSED:
        return span
    if kind is Kind.TIME and number < 1:
        return (START + span).time()
    moment = START_1904 + span if is_1904 else START + span + timedelta(days=0 < number < LEAP_1900)
    return moment.date() if kind is Kind.DATE and number == int(number) else moment
