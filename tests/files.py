"""Files to be imported: the beginning of the real one, and one that is none."""

import csv
from itertools import islice
from pathlib import Path

from example.airports.operations import BUNDLED

__all__ = [
    "CODES",
    "FEW_CODES",
    "FEW_IMPORTED",
    "FEW_ROWS",
    "IMPORTED",
    "ROWS",
    "dirty_rows",
    "few_rows",
    "first_rows",
    "rows_without_city",
]

# The first 6,000 rows: an import of seconds in which each rule but one is broken. What it comes to.
ROWS = 6_000
IMPORTED = 5_685
CODES = {"city-missing": 85, "duplicate": 202, "subdivision-missing": 23, "stray-blanks": 5}

# Rows from its midst, in which the same rules are broken: where an import of a second says as much.
BEFORE_FEW = 22_000
FEW_ROWS = 2_000
FEW_IMPORTED = 1_572
FEW_CODES = {"city-missing": 281, "duplicate": 118, "subdivision-missing": 28, "stray-blanks": 1}


def first_rows(folder: Path, count: int = ROWS, name: str = "airports.csv") -> Path:
    """The header and so many rows of the bundled file."""
    return rows_after(0, folder, count, name)


def few_rows(folder: Path) -> Path:
    """The header and FEW_ROWS."""
    return rows_after(BEFORE_FEW, folder, FEW_ROWS, "airports.csv")


def rows_after(before: int, folder: Path, count: int, name: str) -> Path:
    target = folder / name
    with BUNDLED.open(encoding="utf-8", newline="") as lines, target.open("w", encoding="utf-8", newline="") as rows:
        rows.write(next(lines))
        rows.writelines(islice(lines, before, before + count))
    return target


def dirty_rows(folder: Path) -> Path:
    """A CSV file of something else."""
    target = folder / "people.csv"
    target.write_text("name,city\nAda,London\n")
    return target


def rows_without_city(folder: Path, name: str, count: int = 60) -> Path:
    """Rows of the bundled file of which none can be imported."""
    target = folder / name
    with BUNDLED.open(encoding="utf-8", newline="") as lines, target.open("w", encoding="utf-8", newline="") as rows:
        read = csv.DictReader(lines)
        written = csv.DictWriter(rows, read.fieldnames or [])
        written.writeheader()
        written.writerows(islice((row for row in read if not row["city"]), count))
    return target
