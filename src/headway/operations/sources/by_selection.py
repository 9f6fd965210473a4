"""The rows that somebody selected: exactly those, whatever becomes of the conditions under which they were found."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import Any, Generic, TypeAlias, TypeVar, cast

from django.db.models import Model, QuerySet

from headway.operations.outcomes import Gone

from .model_key import ModelKey
from .pages import paged
from .protocol import Entry, Json, Selections
from .rows import check_rows, name_of, unlocked
from .table import KeySource, TableSource

__all__ = ["SelectionSource"]

M = TypeVar("M", bound=Model)
KEYS_AT_ONCE = 5_000
Fetch: TypeAlias = Callable[[Sequence[str]], Iterable[tuple[str, Any]]]


class SelectionSource(TableSource[M | Gone, M], Generic[M]):
    """The rows in a queryset at the start of the run, each once and in its order: their keys are copied beside the run.

    Bounds are {"count": rows}, and for a part "above", the number behind which it begins; a cursor is a row's number in
    the selection; a key is its primary key. A row that was deleted meanwhile is a `Gone`, so it ends as skipped.
    Any queryset of instances will do: sliced, combined, over joins, of another database. A row that it gives several
    times is taken where it comes first; without an order, they come in that of their primary keys.

    Rows are read through the model's base manager and with nothing but their own columns: what the queryset says
    beyond which rows (select_related, annotate) is not kept, except for `select_for_update`: they are locked from when
    they are read to the end of their chunk.
    """

    selections: Selections

    def __init__(self, queryset: QuerySet[M]) -> None:
        check_rows(queryset)
        self.asked = queryset
        self.queryset = unlocked(queryset)
        self.key = ModelKey(queryset.model)

    def identity(self) -> str:
        return f"a selection of {name_of(self.asked, self.key.name)}"

    def attach(self, selections: Selections) -> None:
        self.selections = selections

    def freeze(self) -> Json:
        return {"count": self.selections.copy(cast("QuerySet[Model]", self.queryset))}

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[M | Gone]]:
        return self.entries(bounds, after, self.fetch)

    def read_keys(self, bounds: Json, after: Json) -> Iterator[Entry[Any]]:
        return self.entries(bounds, after, KeySource(self).fetch)

    def entries(self, bounds: Json, after: Json, fetch: Fetch) -> Iterator[Entry[Any]]:
        above, last = ends_of(bounds)
        start = above if after is None else cast(int, after)
        for number, (key, item) in paged(partial(self.page, fetch, last), start, lambda: self.at_once):
            yield number, key, item

    def page(self, fetch: Fetch, last: int, after: int, limit: int) -> list[tuple[int, tuple[str, Any]]]:
        selected = self.selections.page(after, min(limit, last - after)) if after < last else []
        found = dict(fetch([key for _, key in selected]))
        return [(number, (key, found[key] if key in found else self.gone(key))) for number, key in selected]

    def rows(self) -> QuerySet[M]:
        rows: QuerySet[M] = self.queryset.model._base_manager.using(self.queryset.db)
        return rows

    def count(self, bounds: Json) -> int:
        return int(cast("dict[str, Any]", bounds)["count"])

    def keys(self, bounds: Json) -> Iterator[str]:
        above, last = ends_of(bounds)
        while page := self.selections.page(above, min(KEYS_AT_ONCE, last - above)):
            yield from (str(self.key.dump(self.key.load(key))) for _, key in page)  # a UUID with its hyphens, again
            above = page[-1][0]

    def split(self, bounds: Json, n: int) -> list[Json]:
        above, last = ends_of(bounds)
        ends = [above + (last - above) * number // n for number in range(n + 1)]
        parts: list[Json] = [{"above": start, "count": end - start} for start, end in pairwise(ends) if start < end]
        return parts or [bounds]

    def label(self, item: M | Gone) -> str:
        return item.label if isinstance(item, Gone) else str(item)

    def gone(self, key: str) -> Gone:
        return Gone(f"{self.queryset.model._meta.verbose_name} {key}")


def ends_of(bounds: Json) -> tuple[int, int]:
    """The number behind which these bounds begin, and the last number within them."""
    given = cast("dict[str, Any]", bounds)
    above = given.get("above", 0)
    return above, above + given["count"]
