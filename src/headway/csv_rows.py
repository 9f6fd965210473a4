"""What people mean by the rows that spreadsheets write: the separator line, unnamed columns, cells that were left out.

Knows text only; shared by the form fields, which refuse a file at once, and the source, which reads it later.
"""

import re
from collections.abc import Sequence

SEPARATOR = re.compile(r'("?)sep=([^"\r\n\0])\1[\r\n]*', re.IGNORECASE)
BLANK = "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c not in "\r\n")  # what str.strip() takes away


def separator(line: str) -> str | None:
    """The delimiter that Excel's own first line names, such as `sep=;`; None for any other line."""
    found = SEPARATOR.fullmatch(line)
    return found and found[2]


def is_blank(fields: Sequence[str]) -> bool:
    """Whether the row has nothing to read in any cell, as those that a spreadsheet writes below its last one."""
    return not any(field.strip() for field in fields)


def named(columns: list[str]) -> list[str]:
    """The names of the columns, without unnamed ones at the end: what a delimiter behind the last name leaves."""
    last = next((number for number in range(len(columns), 0, -1) if columns[number - 1].strip()), 0)
    return columns[:last]


def fitted(fields: list[str], width: int) -> list[str] | None:
    """The row in that many cells, or None where that loses something.

    Cells beyond are dropped when they are empty. Empty ones at the end may be missing, as spreadsheets leave them out;
    but where half of them are, the row is probably broken by a line end inside a cell that isn't quoted.
    """
    if len(fields) > width:
        return fields[:width] if is_blank(fields[width:]) else None
    return fields + [""] * (width - len(fields)) if len(fields) * 2 > width else None
