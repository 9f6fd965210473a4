"""What the sources over a table's rows have in common: rows can be locked, and be had as a queryset."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar, cast

from django.db.models import Model, QuerySet

from headway.database import as_one_parameter

from .model_key import ModelKey
from .protocol import Entry, Item, Json, Selections, Source
from .rows import locked_again, with_locks

M = TypeVar("M", bound=Model)


class TableSource(Source[Item], Generic[Item, M]):
    """Rows of a table, each known by a key. Those that are read inside a chunk's transaction may be locked."""

    may_change = True
    asked: QuerySet[M]
    key: ModelKey[M]

    @abstractmethod
    def rows(self) -> QuerySet[M]:
        """All rows that the run may do, without locks."""

    @abstractmethod
    def read_keys(self, bounds: Json, after: Json) -> Iterator[Entry[Any]]:
        """As `read`, but each item is the value of its key."""

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, Any]]:
        rows = self.locked(self.rows()).order_by(self.key.name)  # locks are taken in one order
        return self.key.fetch(rows, keys).items()

    def lock(self) -> None:
        """Lock each row from when it is read inside a chunk's transaction to that chunk's end."""
        self.asked = with_locks(self.asked)

    def locked(self, rows: QuerySet[M]) -> QuerySet[M]:
        """The rows with the locks that were asked for."""
        return locked_again(rows, self.asked)


class KeySource(Source[Any], Generic[M]):
    """The keys of a table's rows: what a set-based operation is fed with, since it reads the rows itself."""

    may_change = True

    def __init__(self, table: TableSource[Any, M]) -> None:
        self.table = table

    def attach(self, selections: Selections) -> None:
        self.table.attach(selections)

    def identity(self) -> str:
        return self.table.identity()

    def freeze(self) -> Json:
        return self.table.freeze()

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[Any]]:
        self.table.at_once = self.at_once
        return self.table.read_keys(bounds, after)

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, Any]]:
        found = self.table.key.fetch(self.table.rows().select_related(None).only(self.table.key.name), keys)
        return [(key, self.table.key.value_of(row)) for key, row in found.items()]

    def count(self, bounds: Json) -> int | None:
        return self.table.count(bounds)

    def keys(self, bounds: Json) -> Iterable[str]:
        return self.table.keys(bounds)

    def split(self, bounds: Json, n: int) -> Sequence[Json]:
        return self.table.split(bounds, n)

    def rows(self, values: Sequence[Any]) -> QuerySet[M]:
        """The rows with these keys, in the order of their keys, as the source's queryset gives them."""
        key, rows = self.table.key, self.table.rows()
        among = {f"{key.name}__in": as_one_parameter(values, key.value_field, rows.db)}
        return self.table.locked(rows).filter(**among).order_by(key.name)

    def value_of(self, row: Any) -> Any:
        """The key's value of a row, which may be told by its key alone."""
        return self.table.key.value_of(cast(M, row)) if isinstance(row, Model) else row
