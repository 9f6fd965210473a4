"""The rows that somebody selected: exactly those, whatever becomes of the conditions under which they were found."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar, cast

from django.db.models import Model, QuerySet

from headway.operations.outcomes import Unreadable

from .by_key import check_rows
from .model_key import ModelKey
from .pages import paged
from .protocol import Entry, Json, Selections, Source

__all__ = ["SelectionSource"]

M = TypeVar("M", bound=Model)


class SelectionSource(Source[M | Unreadable], Generic[M]):
    """The rows in a queryset at the start of the run, in its order: their keys are copied beside the run.

    Bounds are {"count": rows}; a cursor is a row's number in the selection; a key is its primary key. A row that was
    deleted meanwhile is an `Unreadable` with the code "gone". Rows are read through the model's base manager and with
    nothing but their own columns: what the queryset says beyond which rows (select_related, annotate) is not kept.
    """

    selections: Selections

    def __init__(self, queryset: QuerySet[M]) -> None:
        check_rows(queryset)
        self.queryset = queryset
        self.key = ModelKey(queryset.model)
        self.rows: QuerySet[M] = queryset.model._base_manager.using(queryset.db)

    def attach(self, selections: Selections) -> None:
        self.selections = selections

    def freeze(self) -> Json:
        return {"count": self.selections.copy(cast("QuerySet[Model]", self.queryset))}

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[M | Unreadable]]:
        start = 0 if after is None else cast(int, after)
        for number, (key, item) in paged(self.page, start):
            yield number, key, item

    def page(self, after: int, limit: int) -> list[tuple[int, tuple[str, M | Unreadable]]]:
        selected = self.selections.page(after, limit)
        found = self.key.fetch(self.rows, (key for _, key in selected))
        return [(number, (key, found[key] if key in found else self.gone(key))) for number, key in selected]

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, M | Unreadable]]:
        return self.key.fetch(self.rows, keys).items()

    def count(self, bounds: Json) -> int:
        return int(cast("dict[str, Any]", bounds)["count"])

    def label(self, item: M | Unreadable) -> str:
        return item.label if isinstance(item, Unreadable) else str(item)

    def gone(self, key: str) -> Unreadable:
        name = self.queryset.model._meta.verbose_name
        return Unreadable("gone", "It was deleted after it had been selected.", f"{name} {key}")
