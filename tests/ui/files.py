"""Files to be imported: the beginning of the real one, and one that is none."""

import csv
from itertools import islice
from pathlib import Path

from example.airports.operations import BUNDLED

__all__ = ["dirty_rows", "first_rows", "rows_without_city"]


def first_rows(folder: Path, count: int, name: str = "airports.csv") -> Path:
    """The header and so many rows of the bundled file."""
    target = folder / name
    with BUNDLED.open(encoding="utf-8", newline="") as lines, target.open("w", encoding="utf-8", newline="") as rows:
        rows.writelines(islice(lines, count + 1))
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
