"""The outcomes of a download, page by page, each with its item. At most 100,000, so that no download is endless."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from headway.models import ItemOutcome, ItemState, Run

from .originals import ITEM, NOT_FOUND, Originals

__all__ = ["LARGEST", "Line", "Span", "pages", "span_of"]

LARGEST = 100_000  # rows
PAGE = 5_000  # rows: a file is read through anew for each page
GONE = "The item itself can't be had from its source any more."


@dataclass(frozen=True)
class Span:
    """The ids of one download: above `after`, up to `last`; and whether there are more behind it."""

    after: int
    last: int
    more: bool


@dataclass(frozen=True)
class Line:
    """One outcome: the item's own columns (or what it is, under "item"), then key, code and text."""

    item: dict[str, Any]
    key: str
    code: str
    text: str


def span_of(run_id: UUID, after: int) -> Span:
    """The first download's worth behind the id `after`, as it is now."""
    ids = failures(run_id).filter(id__gt=after).values_list("id", flat=True)
    edge = list(ids.order_by("id")[LARGEST - 1 : LARGEST + 1])
    if len(edge) == 2:
        return Span(after, edge[0], more=True)
    return Span(after, ids.order_by("-id").first() or after, more=False)


def pages(run: Run, span: Span, originals: Originals) -> Iterator[list[Line]]:
    """The lines of the span, in the order in which the items ended."""
    after = span.after
    while rows := list(failures(run.pk).filter(id__gt=after, id__lte=span.last).order_by("id")[:PAGE]):
        found = originals.fetch([row.key for row in rows])
        yield [line(row, found.get(row.key, NOT_FOUND)) for row in rows]
        after = rows[-1].pk


def failures(run_id: UUID) -> QuerySet[ItemOutcome]:
    return ItemOutcome.objects.filter(run=run_id, state=ItemState.FAILED)


def line(row: ItemOutcome, item: Any) -> Line:
    if item is NOT_FOUND:
        return Line({}, row.key, row.code, f"{row.text} {GONE}".lstrip())
    columns = item if isinstance(item, dict) else {} if item is None else {ITEM: item}
    return Line(columns, row.key, row.code, row.text)
