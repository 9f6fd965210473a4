"""A run's own copy of a selection, or of the keys that a source tells. A selection's is one INSERT … SELECT where the
rows are in the same database, whatever its size."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import CharField, Count, Model, QuerySet
from django.db.models.functions import Cast

from headway.database import as_table
from headway.models import Selection

EVERYTHING = 2**62  # rows: a LIMIT that is none, but for which a database keeps the order of a subquery
AT_ONCE, KEYS_AT_ONCE = 2_000, 20_000  # rows read, keys written

# A join may give a row several times: it stands where it came first.
COPY = """
INSERT INTO {table} (run_id, seq, key)
SELECT %s, ROW_NUMBER() OVER (ORDER BY MIN(place)), headway_key
FROM (SELECT headway_key, ROW_NUMBER() OVER () AS place FROM ({selected}) AS selected) AS placed
GROUP BY headway_key
"""

COPY_KEYS = "INSERT INTO {table} (run_id, seq, key) SELECT %s, %s + number, value FROM ({given}) AS given"


class RunSelections:
    """Implements `operations.sources.Selections` for one run."""

    def __init__(self, run_id: UUID) -> None:
        self.run_id = run_id

    def copy(self, queryset: QuerySet[Model]) -> int:
        """Copy the primary keys, each once, numbered from 1 in the queryset's order, or in their own where it has none;
        gives how many. In the caller's transaction.
        """
        query = queryset.query
        if not (queryset.ordered or query.is_sliced or query.combinator or query.distinct_fields):
            queryset = queryset.order_by("pk")
        if queryset.db == Selection.objects.db and not query.combinator:
            return self.copy_within(queryset)
        # From another database, or from a union, whose keys can't be asked for alone in its order.
        return self.copy_keys(dict.fromkeys(str(pk) for pk in primary_keys(queryset)))

    def copy_within(self, queryset: QuerySet[Model]) -> int:
        """With one statement: the rows are in this database."""
        limited = queryset if queryset.query.is_sliced else queryset[:EVERYTHING]
        keys = limited.values(headway_key=Cast("pk", CharField(max_length=255)))
        sql, params = keys.query.sql_with_params()
        with connection.cursor() as cursor:
            cursor.execute(COPY.format(table=table(), selected=sql), [self.run_key(), *params])
            return int(cursor.rowcount)

    def copy_keys(self, keys: Iterable[str]) -> int:
        """Copy these keys, numbered from 1 as they come; gives how many. In the caller's transaction."""
        left, copied = iter(keys), 0
        while some := list(islice(left, KEYS_AT_ONCE)):
            given, texts = as_table(some, connection.alias)
            with connection.cursor() as cursor:
                cursor.execute(COPY_KEYS.format(table=table(), given=given), [self.run_key(), copied, texts])
            copied += len(some)
        return copied

    def page(self, after: int, limit: int) -> list[tuple[int, str]]:
        return list(self.copied().filter(seq__gt=after).order_by("seq").values_list("seq", "key")[:limit])

    def number_of(self, key: str) -> int | None:
        """The number of a key; None where it wasn't copied. It takes a look at each of the run's keys."""
        number: int | None = self.copied().filter(key=key).values_list("seq", flat=True).first()
        return number

    def twice(self) -> str | None:
        often = self.copied().values("key").annotate(times=Count("seq")).filter(times__gt=1).order_by("key")
        return next(iter(often.values_list("key", flat=True)[:1]), None)

    def copied(self) -> Any:
        return Selection.objects.filter(run_id=self.run_id)

    def run_key(self) -> Any:
        """The run's id as the database has it."""
        return Selection._meta.get_field("run").target_field.get_db_prep_value(self.run_id, connection)


def table() -> str:
    return connection.ops.quote_name(Selection._meta.db_table)


def primary_keys(queryset: QuerySet[Model]) -> Iterator[Any]:
    if queryset.query.combinator:
        combined = queryset.all()
        for each in combined.query.combined_queries:
            each.clear_ordering()  # a model's default: it means nothing there, and SQLite refuses it
        return (row.pk for row in combined.iterator(AT_ONCE))
    return iter(queryset.values_list("pk", flat=True).iterator(AT_ONCE))
