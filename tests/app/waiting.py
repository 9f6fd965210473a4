"""Whether a row is waited for, on PostgreSQL: in this test's database, since others have theirs on the same server."""

from django.db import connection

__all__ = ["waits_for_a_lock"]

WAITING = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return bool(cursor.fetchone()[0])
