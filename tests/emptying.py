"""Empties the database after a test that has committed: the few tables that hold anything.

Django's own way empties all tables, and makes content types and permissions anew: 30 to 100 ms of CPU after each test,
where this takes 2. Content types and permissions stay as the migrations have made them.
"""

import threading

from django.db import connection, transaction

__all__ = ["empty_what_is_filled"]

STAY = {"auth_permission", "django_content_type"}
FEW = 1_000  # rows, which PostgreSQL deletes sooner than it makes files anew


def empty_what_is_filled(case: object) -> None:
    """What `TransactionTestCase._fixture_teardown` is for."""
    end_counting()
    tables = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - STAY
    filled = {table: rows for table, rows in rows_of(tables) if rows}
    with transaction.atomic(), connection.cursor() as cursor:
        if connection.vendor == "postgresql" and max(filled.values(), default=0) > FEW:
            cursor.execute(f"TRUNCATE {', '.join(tables)}")
        else:
            for table in filled:
                cursor.execute(f"DELETE FROM {table}")


def end_counting() -> None:
    """No thread counts a run's total any more: what it said or wrote would be the next test's."""
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer) and thread.name.startswith("headway-count-"):
            thread.cancel()
            thread.join(30)


def rows_of(tables: set[str]) -> list[tuple[str, int]]:
    """Each table's rows, counted no further than a few, by one query."""
    count = "SELECT '{0}', (SELECT count(*) FROM (SELECT 1 FROM {0} LIMIT {1}) AS counted)"
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(count.format(table, FEW + 1) for table in sorted(tables)))
        return list(cursor.fetchall())
