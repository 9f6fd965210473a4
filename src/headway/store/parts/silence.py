"""Whether an owner whose lease has run out must be gone: on SQLite it may live and only be kept from saying so."""

import sqlite3
from contextlib import closing

from django.db import connection
from django.db.models import Max

from headway.database.waiting import SOMEBODY, path_of
from headway.models import Part, Worker


def is_kept_silent(since_ms: int) -> bool:
    """Whether nobody can have renewed a lease since then, because an item holds SQLite's one write lock.

    If anything was written since, the lock was free meanwhile; a process that dies lets go of it.
    """
    return is_locked() and last_written() < since_ms


def last_written() -> int:
    """The database's clock when a part or a worker wrote last, in ms."""
    parts = Part.objects.aggregate(at=Max("changed"))["at"]
    workers = Worker.objects.aggregate(at=Max("beat"))["at"]
    return max(parts or 0, workers or 0)


def is_locked() -> bool:
    """Whether another connection holds the write lock now. Asked on a connection of its own, without waiting."""
    if connection.in_atomic_block or path_of(SOMEBODY) is None:
        return False  # it may be ourselves who hold it; or there is no such lock
    with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
        other.execute("ROLLBACK")
        return False
