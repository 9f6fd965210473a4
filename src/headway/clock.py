"""The one clock of all that is stored: the database's, in whole milliseconds since 1970.

Durations inside a process come from `time.monotonic`, never from here.
"""

from typing import Any

from django.db import NotSupportedError, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BigIntegerField, Func
from django.db.models.sql.compiler import SQLCompiler

NOW_MS = {
    "sqlite": "CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)",
    # Not now(): a lease that is renewed late in a long transaction must be renewed from then. Nor clock_timestamp(),
    # which may say something else for each row, so that `due <= now` could not use its index.
    "postgresql": "(EXTRACT(EPOCH FROM statement_timestamp()) * 1000)::bigint",
}


def sql(vendor: str) -> str:
    try:
        return NOW_MS[vendor]
    except KeyError:
        raise NotSupportedError(f"Headway runs on {' and '.join(NOW_MS)}, not on {vendor}.") from None


class NowMs(Func):
    """The database's time at this statement (not at its transaction's start), for use inside a query."""

    arity = 0
    output_field = BigIntegerField()

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, list[Any]]:
        return f"({sql(connection.vendor)})", []


def now_ms() -> int:
    """The database's time now, by one query."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql(connection.vendor)}")
        return int(cursor.fetchone()[0])
