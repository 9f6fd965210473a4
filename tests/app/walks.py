"""The ledger's operation over what a project may have in place of numbers: pairs, pages, rows of a workbook, files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import xlsxwriter

from headway import sources
from headway.operations.sources import Source

__all__ = ["WALKS", "number_of"]

PAGE = 40  # items


def pairs_of(count: int, folder: Path) -> Iterator[tuple[int, int]]:
    return ((number, number) for number in range(count))


def pages_of(count: int, folder: Path) -> Source[Any]:
    def page(cursor: Any) -> tuple[list[tuple[int, int]], Any]:
        at = cursor or 0
        behind = min(at + PAGE, count)
        return [(number, number) for number in range(at, behind)], behind if behind < count else None

    return sources.pages(page)


def workbook_of(count: int, folder: Path) -> Source[Any]:
    path = folder / "numbers.xlsx"
    if not path.exists():  # the first worker's planning makes it; it is the same whenever it is read
        with xlsxwriter.Workbook(path) as book:
            sheet = book.add_worksheet()
            sheet.write_column(0, 0, ["n", *range(count)])
    return sources.xlsx(path)


def files_of(count: int, folder: Path) -> Source[Any]:
    (folder / "files").mkdir(exist_ok=True)
    for number in range(count):
        (folder / "files" / f"{number:05}").touch()
    return sources.files(folder / "files")


def number_of(item: Any) -> int:
    """The number that an item of any of them stands for."""
    if isinstance(item, dict):
        return int(item["n"])
    return int(item.name) if isinstance(item, Path) else int(item)


WALKS = {"pairs": pairs_of, "pages": pages_of, "workbook": workbook_of, "files": files_of}
