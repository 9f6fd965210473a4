"""Whether a row is waited for, on PostgreSQL: in this test's database, since others have theirs on the same server."""

from django.db import connection

__all__ = ["waits_for_a_lock"]

# Who waits for a row waits for a transaction, which has no database; but it has locked that row's table.
WAITING = """
    SELECT EXISTS (
        SELECT FROM pg_locks waiting JOIN pg_locks held USING (pid) JOIN pg_database ON held.database = pg_database.oid
        WHERE NOT waiting.granted AND datname = current_database()
    )
"""


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return bool(cursor.fetchone()[0])
