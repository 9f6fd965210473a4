"""What an error of a database says: by its code, never by its text."""

import sqlite3

from django.db import DatabaseError, InterfaceError, OperationalError, connection

LOST_STATES = ("08", "57P01", "57P02", "57P03", "57P05", "25P03")  # broken, shut down, crashed, starting, timed out
TRANSIENT_STATES = ("40001", "40P01", "55P03", "25006", "53", "58")  # and their classes: out of space, memory, disk
BUSY_CODES = frozenset(
    {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_NOMEM}
)


def is_transient(error: BaseException) -> bool:
    """Whether the same again may work later: a deadlock, a lock's timeout, a busy or full database. By its code."""
    seen: BaseException | None = error
    while seen is not None:
        code = getattr(seen, "sqlite_errorcode", None)
        if code is not None and code & 0xFF in BUSY_CODES:  # extended codes carry the plain one in their low byte
            return True
        if (getattr(seen, "sqlstate", None) or "").startswith(TRANSIENT_STATES):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def is_lost(error: BaseException) -> bool:
    """Whether the connection is gone, or was: nothing in memory may be trusted then, not even that COMMIT failed.

    Django may have connected anew on its way out of the transaction, so an open connection proves nothing.
    """
    if not isinstance(error, DatabaseError | InterfaceError):
        return False
    raw = connection.connection
    return raw is None or bool(getattr(raw, "closed", False)) or tells_of_loss(error)


def tells_of_loss(error: BaseException) -> bool:
    """Whether the driver's own error says that the server ended the session, or can't be reached."""
    if isinstance(error, InterfaceError):
        return True
    driver = error.__cause__
    state = getattr(driver, "sqlstate", None)
    if state is not None:
        return str(state).startswith(LOST_STATES)
    # psycopg has no SQLSTATE for a connection that broke under it; SQLite's errors have a code of their own.
    return isinstance(error, OperationalError) and connection.vendor == "postgresql"


def is_broken() -> bool:
    """Whether the open transaction can only be rolled back."""
    # psycopg's own word for it; on SQLite an error leaves the transaction as it is.
    info = getattr(connection.connection, "info", None)
    return connection.needs_rollback or (info is not None and info.transaction_status.name == "INERROR")
