"""What the sources over a table's rows have in common: what they take of a project's queryset (which rows, of which
database, whether they are to be locked), the key by which a row is known, and how an operation in sets has its rows.
"""

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, time
from typing import Any, Generic, TypeVar, cast

from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.db import connections, models, router
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable

from headway.database import as_one_parameter

from .paging import AT_ONCE
from .protocol import Item, Json, Source

M = TypeVar("M", bound=Model)
LONGEST = 255  # characters of an item's key
ORDERED = (
    models.IntegerField,
    models.CharField,
    models.UUIDField,
    models.DecimalField,
    models.DateField,
    models.TimeField,
)  # all that go to text and back unchanged; among them their subclasses, such as AutoField and DateTimeField


class TableSource(Source[Item], Generic[Item, M]):
    """Rows of a table, each known by a key. Those that are read inside a chunk's transaction may be locked."""

    may_change = True
    gives_keys = False
    """Whether an item is the value of a row's key alone: an operation in sets reads the rows itself (`rows_of`)."""
    asked: QuerySet[M]
    key: "ModelKey[M]"

    @abstractmethod
    def rows(self) -> QuerySet[M]:
        """All rows that the run may do, without locks."""

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, Any]]:
        if not self.gives_keys:
            return self.fetch_rows(keys).items()
        found = self.key.fetch(self.rows().select_related(None).only(self.key.name), keys)
        return [(key, self.key.value_of(row)) for key, row in found.items()]

    def fetch_rows(self, keys: Sequence[str]) -> dict[str, M]:
        """The rows that have one of these keys, by it."""
        return self.key.fetch(self.locked(self.rows()).order_by(self.key.name), keys)  # locks are taken in one order

    def rows_of(self, values: Sequence[Any]) -> QuerySet[M]:
        """The rows whose keys have these values, in the order of their keys, as the source's queryset gives them."""
        rows = self.rows()
        among = {f"{self.key.name}__in": as_one_parameter(values, self.key.value_field, rows.db)}
        return self.locked(rows).filter(**among).order_by(self.key.name)

    def value_of(self, row: Any) -> Any:
        """The key's value of a row, which may be told by its key alone."""
        return self.key.value_of(cast(M, row)) if isinstance(row, Model) else row

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


class ModelKey(Generic[M]):
    """The field `name` of a model, or its primary key.

    Raises ValueError for a field that doesn't tell every row from every other, or whose values can't be kept as JSON.
    """

    def __init__(self, model: type[M], name: str | None = None) -> None:
        self.field = field = field_of(model, name)
        if not (field.unique or field.primary_key) or field.null:
            raise refusal(model, field.name, "it must be unique and not null, or rows would be lost or come twice")
        # The primary key of a child in multi-table inheritance is a link to its parent; its value is the parent's.
        self.value_field = value_field = final(field)
        if not isinstance(value_field, ORDERED):
            raise refusal(model, field.name, f"a {type(value_field).__name__} can't be kept as JSON and compared")
        if isinstance(value_field, models.CharField) and (value_field.max_length or LONGEST + 1) > LONGEST:
            raise refusal(model, field.name, f"it must have at most {LONGEST} characters (max_length)")
        self.name = field.name

    def of(self, instance: M) -> Json:
        """The instance's key as JSON."""
        return self.dump(self.value_of(instance))

    def dump(self, value: Any) -> Json:
        if isinstance(value, int):
            return value
        return value.isoformat() if isinstance(value, date | time) else str(value)

    def load(self, key: Json) -> Any:
        """The value whose JSON or text this is. Raises ValidationError for what can't be one."""
        return self.value_field.to_python(key)

    def fetch(self, queryset: QuerySet[M], keys: Iterable[str]) -> dict[str, M]:
        """The instances in the queryset that have one of the keys, by the text that was given for it (a database may
        write a UUID without its hyphens); one query for each 500.
        """
        given = {value: key for key in keys if (value := self.load_or_none(key)) is not None}
        values = list(given)
        chunks = (values[start : start + AT_ONCE] for start in range(0, len(values), AT_ONCE))
        found = [instance for chunk in chunks for instance in queryset.filter(**{f"{self.name}__in": chunk})]
        by_key = {given[value]: row for row in found if (value := self.value_of(row)) in given}
        if any(self.value_of(row) not in given for row in found):
            # The database takes keys for equal although they are written otherwise: so the others one by one.
            left = ((key, value) for value, key in given.items() if key not in by_key)
            rows = ((key, queryset.filter(**{self.name: value}).first()) for key, value in left)
            by_key |= {key: row for key, row in rows if row is not None}
        return by_key

    def value_of(self, instance: M) -> Any:
        return getattr(instance, self.field.attname)

    def load_or_none(self, key: str) -> Any:
        try:
            return self.load(key)
        except ValidationError:
            return None  # no row can have it


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


def field_of(model: type[Model], name: str | None) -> "models.Field[Any, Any]":
    try:
        field = model._meta.get_field(name) if name and name != "pk" else model._meta.pk
    except FieldDoesNotExist as error:
        raise refusal(model, name or "pk", "there is no such field") from error
    if not isinstance(field, models.Field) or not field.concrete:
        raise refusal(model, name or "pk", "it must be a single column")
    return field


def final(field: "models.Field[Any, Any]") -> "models.Field[Any, Any]":
    while isinstance(field, models.ForeignKey):
        field = field.target_field
    return field


def refusal(model: type[Model], name: str, why: str) -> ValueError:
    return ValueError(
        f"{model._meta.label} can't be read by the key {name!r}: {why}. Name another field: sources.queryset(…, key=…)."
    )
