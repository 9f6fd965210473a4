"""A run's own copy of a selection: one INSERT … SELECT, whatever its size."""

from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import CharField, F, Model, QuerySet, Value, Window
from django.db.models.functions import Cast, RowNumber

from headway.models import Selection

__all__ = ["RunSelections"]


class RunSelections:
    """Implements `operations.sources.Selections` for one run."""

    def __init__(self, run_id: UUID) -> None:
        self.run_id = run_id

    def copy(self, queryset: QuerySet[Model]) -> int:
        """Copy the primary keys, numbered from 1 in their order; gives how many. In the caller's transaction."""
        rows = (
            queryset.order_by()
            .annotate(
                headway_run=Value(self.run_id, output_field=Selection._meta.get_field("run").target_field),
                headway_seq=Window(RowNumber(), order_by=F("pk").asc()),
                headway_key=Cast("pk", CharField(max_length=255)),
            )
            .values_list("headway_run", "headway_seq", "headway_key")
        )
        sql, params = rows.query.sql_with_params()
        table = connection.ops.quote_name(Selection._meta.db_table)
        with connection.cursor() as cursor:
            cursor.execute(f"INSERT INTO {table} (run_id, seq, key) {sql}", params)
            return int(cursor.rowcount)

    def page(self, after: int, limit: int) -> list[tuple[int, str]]:
        """(number, key) of the next selected rows above the number `after`."""
        rows: Any = Selection.objects.filter(run_id=self.run_id, seq__gt=after).order_by("seq")
        return list(rows.values_list("seq", "key")[:limit])
