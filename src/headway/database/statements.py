"""Queries that the ORM says once for each kind of database, and that are only run from then on.

To build a query takes Django longer than it takes a database to answer it. What differs from one time to the next is
`Given`; everything else about such a statement is fixed.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Generic, TypeVar

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import AutoField, BigIntegerField, Expression, Model, QuerySet
from django.db.models.constants import OnConflict
from django.db.models.sql import InsertQuery, Query, UpdateQuery
from django.db.models.sql.compiler import SQLCompiler

M = TypeVar("M", bound=Model)


class Given(Expression):
    """A value that the statement is given under this name each time.

    `stored_in`: the model that has a field of this name (or of another, `column`), as whose value it is stored; without
    it, a whole number.
    """

    def __init__(self, name: str, stored_in: type[Model] | None = None, column: str = "") -> None:
        field: Any = stored_in._meta.get_field(column or name) if stored_in else BigIntegerField()
        super().__init__(output_field=field)
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> tuple[str, list[Any]]:  # type: ignore[override]
        return "%s", [self]

    def among(self, given: Mapping[str, Any]) -> Any:
        """Its value, as the database's driver takes it. Raises KeyError when it isn't there."""
        return self.output_field.get_db_prep_save(given[self.name], connection)


@dataclass(frozen=True)
class Compiled:
    """A statement for one kind of database."""

    sql: str
    params: tuple[Any, ...]
    converters: Mapping[int, Any] = field(default_factory=dict)
    """By a column's position in the answer: what makes a Python value of what the driver gives, and the column."""

    def fetch(self, given: Mapping[str, Any]) -> list[list[Any]]:
        """All rows that it answers with. Raises KeyError when a value is missing."""
        with connection.cursor() as cursor:
            self.execute(cursor, given)
            return [self.convert(row) for row in cursor.fetchall()]

    def count(self, given: Mapping[str, Any]) -> int:
        """How many rows it has changed. Raises KeyError when a value is missing."""
        with connection.cursor() as cursor:
            self.execute(cursor, given)
            return int(cursor.rowcount)

    def execute(self, cursor: Any, given: Mapping[str, Any]) -> None:
        cursor.execute(self.sql, [one.among(given) if isinstance(one, Given) else one for one in self.params])

    def convert(self, row: Any) -> list[Any]:
        values = list(row)
        for position, (functions, column) in self.converters.items():
            for function in functions:
                values[position] = function(values[position], column, connection)
        return values


class Statement(ABC):
    """What is compiled once for each kind of database."""

    def __init__(self) -> None:
        self.compiled: dict[str, Compiled] = {}

    @property
    def here(self) -> Compiled:
        """The statement for this thread's database."""
        known = self.compiled.get(connection.vendor)
        if known is None:
            known = self.compiled[connection.vendor] = self.compile()
        return known

    @abstractmethod
    def compile(self) -> Compiled: ...


class Insert(Statement, Generic[M]):
    """An INSERT of one object as it is in memory, except for what is `fixed`; the database's own defaults apply.

    `unless_there`: without an error, and without a trace, where a unique column has its value already.
    """

    def __init__(self, model: type[M], *, unless_there: bool = False, **fixed: Any) -> None:
        super().__init__()
        self.model, self.unless_there, self.fixed = model, unless_there, fixed
        made = [each for each in model._meta.concrete_fields if is_made(each)]
        self.given = [each for each in model._meta.concrete_fields if each not in made]
        self.told: list[Any] = [*made, *(model._meta.get_field(name) for name in fixed)]

    def __call__(self, row: M) -> bool:
        """Whether it is there now; then the object has what the database has made of it."""
        for values in self.here.fetch(vars(row)):
            for each, value in zip(self.told, values, strict=True):
                setattr(row, each.attname, value)
            row._state.adding, row._state.db = False, connection.alias
            return True
        return False

    def compile(self) -> Compiled:
        values = {each.attname: Given(each.attname, self.model) for each in self.given}
        query = InsertQuery(self.model, on_conflict=OnConflict.IGNORE if self.unless_there else None)
        row: Any = SimpleNamespace(**values | self.fixed)
        query.insert_values(self.given, [row])
        ((sql, params),) = query.get_compiler(connection=connection).as_sql()
        return returning(sql, params, self.told)


class Update(Statement):
    """An UPDATE of these rows."""

    def __init__(self, rows: QuerySet[Any, Any], **columns: Any) -> None:
        super().__init__()
        self.rows, self.columns = rows, columns

    def __call__(self, **given: Any) -> int:
        """How many rows it has changed."""
        return self.here.count(given)

    def compile(self) -> Compiled:
        query: Any = self.rows.query.chain(UpdateQuery)
        query.add_update_values(self.columns)
        sql, params = query.get_compiler(connection=connection).as_sql()
        return Compiled(sql, tuple(params))


class UpdateOne(Update, Generic[M]):
    """An UPDATE of one row, or of none."""

    def __call__(self, **given: Any) -> M | None:  # type: ignore[override]
        """The object as it is now; None when there was none to be changed."""
        return next((object_of(self.rows.model, row) for row in self.here.fetch(given)), None)

    def compile(self) -> Compiled:
        update = super().compile()
        return returning(update.sql, update.params, self.rows.model._meta.concrete_fields)


class Select(Statement):
    """A query. An object's columns come in the order of its model's fields."""

    def __init__(self, rows: QuerySet[Any, Any]) -> None:
        super().__init__()
        self.rows = rows

    def compile(self) -> Compiled:
        compiler = self.rows.query.get_compiler(connection=connection)
        sql, params = compiler.as_sql()
        return Compiled(sql, tuple(params), compiler.get_converters([column for column, *_ in compiler.select]))


class First(Select, Generic[M]):
    """The first object of a query."""

    def __init__(self, rows: QuerySet[M]) -> None:
        super().__init__(rows[:1])

    def __call__(self, **given: Any) -> M | None:
        """None when there is none."""
        return next((object_of(self.rows.model, row) for row in self.here.fetch(given)), None)


class Objects(Select, Generic[M]):
    """All objects of a query with its annotations, and each with the object that its foreign key `related` names."""

    def __init__(self, rows: QuerySet[M], related: str) -> None:
        self.model, self.related = rows.model, related
        field: Any = rows.model._meta.get_field(related)
        self.other = field.related_model
        self.own, others = columns_of(self.model), columns_of(self.other)
        self.annotated = list(rows.query.annotations)
        super().__init__(rows.values_list(*self.own, *(f"{related}__{name}" for name in others), *self.annotated))

    def __call__(self, **given: Any) -> list[M]:
        """In the query's order; two that have the same other share the object."""
        first, last = len(self.own), -len(self.annotated) or None
        others: dict[Any, Any] = {}
        found = []
        for row in self.here.fetch(given):
            one = object_of(self.model, row[:first])
            other = object_of(self.other, row[first:last])
            setattr(one, self.related, others.setdefault(other.pk, other))
            for name, value in zip(self.annotated, row[len(row) - len(self.annotated) :], strict=True):
                setattr(one, name, value)
            found.append(one)
        return found


class Rows(Select):
    """The rows of a query that names its columns, as with `values_list`."""

    def __call__(self, **given: Any) -> list[list[Any]]:
        """All of them."""
        return self.here.fetch(given)


def is_made(column: Any) -> bool:
    """Whether the database makes the value of this field; one with a default of the model isn't left to it."""
    made_by_default = column.has_db_default() and not column.has_default()
    return isinstance(column, AutoField) or column.generated or made_by_default


def returning(sql: str, params: Sequence[Any], told: Sequence[Any]) -> Compiled:
    """A statement that answers with these fields of the rows that it has written."""
    names = ", ".join(connection.ops.quote_name(each.column) for each in told)
    columns = [each.get_col(each.model._meta.db_table) for each in told]
    converters = SQLCompiler(Query(told[0].model), connection, None).get_converters(columns)
    return Compiled(f"{sql} RETURNING {names}", tuple(params), converters)


def object_of(model: type[M], row: Sequence[Any]) -> M:
    """The object that a row of all its columns is about."""
    return model.from_db(connection.alias, columns_of(model), row)


def columns_of(model: type[Model]) -> list[str]:
    """The attributes that hold a row's columns, in their order."""
    return [each.attname for each in model._meta.concrete_fields]
