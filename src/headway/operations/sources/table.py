"""What the sources over a table's rows have in common: what they take of a project's queryset (which rows, of which
database, whether they are to be locked), and that rows can be had as a queryset.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, cast

from django.db import connections, router
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable

from headway.database import as_one_parameter

from .model_key import M, ModelKey
from .protocol import Entry, Item, Json, Selections, Source


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
        """Lock each row from when it is read inside a chunk's transaction to that chunk's end, as the project has said
        how, if it has."""
        if not self.asked.query.select_for_update:
            # Not the rows of joined tables: PostgreSQL refuses to lock what an outer join may lack.
            self.asked = self.asked.select_for_update(of=("self", *links_to_parents(self.asked.model)))

    def locked(self, rows: QuerySet[M]) -> QuerySet[M]:
        """The rows with the locks that were asked for, where an open transaction holds them: a chunk's, not a look."""
        query = self.asked.query
        if not query.select_for_update or not connections[rows.db].in_atomic_block:
            return rows
        return rows.select_for_update(
            nowait=query.select_for_update_nowait, of=query.select_for_update_of, no_key=query.select_for_no_key_update
        )


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


def check_rows(queryset: QuerySet[M]) -> None:
    """Refuse what isn't a queryset of whole instances. Raises TypeError or ValueError, which says what to pass."""
    if not isinstance(queryset, QuerySet):
        raise TypeError(f"{queryset!r} is not a queryset; pass one, such as Airport.objects.all().")
    if not issubclass(queryset._iterable_class, ModelIterable):
        raise ValueError("The queryset gives values, not instances. Leave out .values() or .values_list().")
    if queryset.query.select_for_update_skip_locked:
        raise ValueError(
            "With select_for_update(skip_locked=True) the rows that somebody else has locked would be left out for "
            "good. Leave skip_locked out, or lock the row in process() and raise Skip."
        )


def name_of(queryset: QuerySet[M], key: str) -> str:
    """Whose rows they are, for people: the table, the key, and the database where the project names one."""
    database = named_database(queryset)
    where = f" in the database {database!r}" if database else ""
    return f"{queryset.model._meta.db_table} by {key}{where}"


def unlocked(queryset: QuerySet[M]) -> QuerySet[M]:
    """The same rows from the database that their changes go to, if none is named; without locks."""
    # A replica may be behind: rows that were just written would be missing, and others be saved as they were.
    rows = queryset.using(named_database(queryset) or router.db_for_write(queryset.model))
    rows.query.select_for_update = False
    return rows


def links_to_parents(model: type[Model]) -> Iterator[str]:
    """The tables over which a row of this model is spread, beside its own, as `of` names them."""
    concrete = model._meta.concrete_model or model
    for parent, link in concrete._meta.parents.items():
        if link is not None and link.model is concrete:
            yield link.name
            yield from (f"{link.name}__{further}" for further in links_to_parents(parent))


def named_database(queryset: QuerySet[M]) -> str | None:
    """What the project said by `using`; None where its routers are to say."""
    database: str | None = queryset._db  # type: ignore[attr-defined]  # `db` asks the routers as well
    return database
