"""A run's own copy of a selection: one INSERT … SELECT where the rows are in the same database, whatever its size."""

from collections.abc import Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import CharField, Model, QuerySet
from django.db.models.functions import Cast

from headway.models import Selection

__all__ = ["RunSelections"]

EVERYTHING = 2**62  # rows: a LIMIT that is none, but for which a database keeps the order of a subquery
AT_ONCE = 2_000  # keys

# A join may give a row several times: it stands where it came first.
COPY = """
INSERT INTO {table} (run_id, seq, key)
SELECT %s, ROW_NUMBER() OVER (ORDER BY MIN(place)), headway_key
FROM (SELECT headway_key, ROW_NUMBER() OVER () AS place FROM ({selected}) AS selected) AS placed
GROUP BY headway_key
"""


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
        is_here = queryset.db == Selection.objects.db and not query.combinator
        return self.copy_within(queryset) if is_here else self.copy_over(queryset)

    def copy_within(self, queryset: QuerySet[Model]) -> int:
        """With one statement: the rows are in this database."""
        limited = queryset if queryset.query.is_sliced else queryset[:EVERYTHING]
        keys = limited.values(headway_key=Cast("pk", CharField(max_length=255)))
        sql, params = keys.query.sql_with_params()
        run = Selection._meta.get_field("run").target_field.get_db_prep_value(self.run_id, connection)
        table = connection.ops.quote_name(Selection._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(COPY.format(table=table, selected=sql), [run, *params])
            return int(cursor.rowcount)

    def copy_over(self, queryset: QuerySet[Model]) -> int:
        """Row by row: from another database, or from a union, whose keys can't be asked for alone in its order."""
        keys = dict.fromkeys(str(pk) for pk in primary_keys(queryset))
        rows = (Selection(run_id=self.run_id, seq=seq, key=key) for seq, key in enumerate(keys, start=1))
        while some := list(islice(rows, AT_ONCE)):
            Selection.objects.bulk_create(some)
        return len(keys)

    def page(self, after: int, limit: int) -> list[tuple[int, str]]:
        """(number, key) of the next selected rows above the number `after`."""
        rows: Any = Selection.objects.filter(run_id=self.run_id, seq__gt=after).order_by("seq")
        return list(rows.values_list("seq", "key")[:limit])


def primary_keys(queryset: QuerySet[Model]) -> Iterator[Any]:
    if queryset.query.combinator:
        combined = queryset.all()
        for each in combined.query.combined_queries:
            each.clear_ordering()  # a model's default: it means nothing there, and SQLite refuses it
        return (row.pk for row in combined.iterator(AT_ONCE))
    return iter(queryset.values_list("pk", flat=True).iterator(AT_ONCE))
