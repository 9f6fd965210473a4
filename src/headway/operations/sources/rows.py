"""What the sources take of a project's queryset: which rows, of which database, and whether they are to be locked."""

from collections.abc import Iterator
from typing import TypeVar

from django.db import connections, router
from django.db.models import Model, QuerySet
from django.db.models.query import ModelIterable

M = TypeVar("M", bound=Model)


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


def locked_again(rows: QuerySet[M], asked: QuerySet[M]) -> QuerySet[M]:
    """The rows with the locks that were asked for, where a transaction is open to hold them: a chunk's, not a look."""
    if not asked.query.select_for_update or not connections[rows.db].in_atomic_block:
        return rows
    query = asked.query
    return rows.select_for_update(
        nowait=query.select_for_update_nowait, of=query.select_for_update_of, no_key=query.select_for_no_key_update
    )


def with_locks(queryset: QuerySet[M]) -> QuerySet[M]:
    """The same rows, to be locked; as they were where the project has said how."""
    if queryset.query.select_for_update:
        return queryset
    # Not the rows of joined tables: PostgreSQL refuses to lock what an outer join may lack.
    return queryset.select_for_update(of=("self", *links_to_parents(queryset.model)))


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
