"""The rows of a queryset in the order of a key. Each page begins behind the last key, so no row is passed over or comes
twice, however the rows before it have changed.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any, Generic, cast

from django.db.models import QuerySet

from .paging import paged
from .protocol import Entry, Json
from .table import M, ModelKey, TableSource, check_rows, name_of, unlocked


class QuerysetSource(TableSource[M, M], Generic[M]):
    """The rows of a queryset, by primary key or by another unique field, `key`, whose values never change.

    Bounds are {"last": the greatest key at the start, or None}, and of all but the first of several parts "above", the
    key behind which it begins; a cursor is the key as JSON. The rows are those that match when their page is read: one
    that no longer matches by then is left out, and `fetch` gives only those that still match. A row that is inserted
    later with a lower key is read too: so is a random one (UUID4), half of the time. The model's default ordering is
    dropped. With `select_for_update` the rows are locked from when they are read to the end of their chunk.

    Raises ValueError for a queryset that can't be read by key: sliced, combined, DISTINCT ON, values(), ordered by
    something else (also by its manager), or with skip_locked.
    """

    def __init__(self, queryset: QuerySet[M], key: str | None = None) -> None:
        check_rows(queryset)
        self.key = ModelKey(queryset.model, key)
        check_order(queryset, self.key)
        self.asked = queryset
        self.queryset = unlocked(queryset).order_by(self.key.name)

    def identity(self) -> str:
        return f"rows of {name_of(self.asked, self.key.name)}"

    def freeze(self) -> Json:
        # Not Max(): databases have none for UUIDs.
        last = self.queryset.order_by(f"-{self.key.name}").first()
        return {"last": None if last is None else self.key.of(last)}

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[M]]:
        page = partial(self.page_of_keys if self.gives_keys else self.page, self.within(bounds))
        for cursor, item in paged(page, after, lambda: self.at_once):
            yield cursor, str(cursor), item

    def page(self, within: QuerySet[M], after: Json, limit: int) -> list[tuple[Json, M]]:
        # A join with the many side gives a row several times, side by side: the dictionary keeps one.
        found = self.locked(self.behind(within, after))[:limit]
        return list({self.key.of(item): (self.key.of(item), item) for item in found}.values())

    def behind(self, within: QuerySet[M], after: Json) -> QuerySet[M]:
        return within if after is None else within.filter(**{f"{self.key.name}__gt": self.key.load(after)})

    def page_of_keys(self, within: QuerySet[M], after: Json, limit: int) -> list[tuple[Json, Any]]:
        values = self.behind(within, after).values_list(self.key.field.attname, flat=True)[:limit]
        return [(self.key.dump(value), value) for value in dict.fromkeys(values)]

    def rows(self) -> QuerySet[M]:
        return self.queryset

    def count(self, bounds: Json) -> int:
        within = self.within(bounds)
        if is_joined(within):
            within = within.order_by().values(self.key.name).distinct()  # type: ignore[assignment]
        return within.count()

    def split(self, bounds: Json, n: int) -> list[Json]:
        # Each step begins behind the last one: all together pass each row once, however many parts there are.
        given = cast("dict[str, Any]", bounds)
        step = -(-self.count(bounds) // n)
        parts: list[Json] = []
        rest = given
        while len(parts) < n - 1 and (end := self.key_at(rest, step)) not in (None, given["last"]):
            parts.append(rest | {"last": end})
            rest = {"above": end, "last": given["last"]}
        return [*parts, rest]

    def key_at(self, bounds: Json, number: int) -> Json:
        """The key of the row of that number within the bounds, counted from 1; None where there is none."""
        within = self.within(bounds)
        keys = within.values_list(self.key.field.attname, flat=True)
        keys = keys.distinct() if is_joined(within) else keys
        found = list(keys[number - 1 : number]) if number else []
        return self.key.dump(found[0]) if found else None

    def within(self, bounds: Json) -> QuerySet[M]:
        given = cast("dict[str, Any]", bounds)
        if given["last"] is None:
            return self.queryset.none()
        upper = self.queryset.filter(**{f"{self.key.name}__lte": self.key.load(given["last"])})
        return upper.filter(**{f"{self.key.name}__gt": self.key.load(given["above"])}) if "above" in given else upper


def is_joined(queryset: QuerySet[M]) -> bool:
    """Whether other tables are joined, which may give a row several times."""
    return len(queryset.query.alias_map) > 1


def check_order(queryset: QuerySet[M], key: ModelKey[M]) -> None:
    query = queryset.query
    if query.combinator:
        raise ValueError(
            f"A {query.combinator} of querysets can't be read by key. Combine the conditions with Q(…), or use "
            "sources.selection()."
        )
    if query.is_sliced:
        raise ValueError("A sliced queryset can't be read by key. Filter it instead, or use sources.selection().")
    if query.distinct_fields:
        raise ValueError("A queryset with distinct(fields) can't be read by key. Use sources.selection().")
    own = {key.name, key.field.attname} | ({"pk"} if key.field.primary_key else set())
    order = [str(name) for name in (*query.extra_order_by, *query.order_by)]
    if not query.standard_ordering or (order and (len(order) > 1 or order[0] not in own)):
        raise ValueError(
            f"The queryset is ordered by {', '.join(order) or 'reverse()'}. Take the order away with .order_by(), or "
            f"use sources.selection(), which keeps one: a queryset's rows are read in the order of {key.name}, because "
            "only so can they be taken up again anywhere."
        )
