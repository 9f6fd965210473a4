"""The outcomes of a download, page by page, each with its item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from headway import runs

from .originals import ITEM, NOT_FOUND, Originals

__all__ = ["Line", "Span", "lines_of", "rows_of", "span_of"]

Row: TypeAlias = tuple[int, str, str, str]
"""What is read of an outcome: its id, key, code and text."""
GONE = "The item itself can't be had from its source any more."


@dataclass(frozen=True)
class Span:
    """The ids of one download: up to `last`; and whether there are more behind it."""

    last: int
    more: bool


class Line(NamedTuple):
    """One outcome: the item's own columns (or what it is, under "item"), then key, code and text."""

    item: dict[str, Any]
    key: str
    code: str
    text: str


def span_of(run_id: UUID, after: int, rows: int) -> Span:
    """At most so many rows behind the id `after`, as they are now."""
    ids = runs.outcomes(run_id, after=after).values_list("id", flat=True)
    edge = list(ids[rows - 1 : rows + 1])
    if len(edge) == 2:
        return Span(edge[0], more=True)
    return Span(ids.last() or after, more=False)


def rows_of(run_id: UUID, after: int, last: int, limit: int) -> list[Row]:
    """The next rows behind the id `after`, in the order in which the items ended."""
    found = runs.outcomes(run_id, after=after).filter(id__lte=last)
    return list(found.values_list("id", "key", "code", "text")[:limit])


def lines_of(rows: list[Row], originals: Originals) -> list[Line]:
    """These rows with their items."""
    found = originals.fetch([key for _, key, _, _ in rows])
    return [line(found.get(key, NOT_FOUND), key, code, text) for _, key, code, text in rows]


def line(item: Any, key: str, code: str, text: str) -> Line:
    if isinstance(item, dict):
        return Line(item, key, code, text)
    if item is NOT_FOUND:
        return Line({}, key, code, f"{text} {GONE}".lstrip())
    return Line({} if item is None else {ITEM: item}, key, code, text)
