"""What the databases can do, and where they differ: short writes, faults, sessions that fence themselves."""

import os
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

__all__ = [
    "Fault",
    "Overtaken",
    "back_off",
    "bound_idle_transactions",
    "data_version",
    "fault",
    "forget",
    "is_broken",
    "is_lost",
    "is_transient",
    "write",
]

BUSY_RETRY = 0.002  # s; SQLite's own back-off goes up to 100 ms, which starves whoever waits
BUSY_PATIENCE = 20.0  # s; after that the error is raised


class Fault(Enum):
    """What an error of the database says about us, not about an item."""

    TRANSIENT = "transient"  # deadlock, serialization failure, lock timeout, SQLITE_BUSY: the same again may work
    LOST = "lost"  # the connection is gone; what it was committing may or may not be there


TRANSIENT_STATES = frozenset({"40001", "40P01", "55P03"})
LOST_STATES = frozenset({"57P01", "57P02", "57P03", "57P05", "25P03"})  # shut down, crashed, starting, timed out
BUSY_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def fault(error: BaseException) -> Fault | None:
    """What this error says about the database, judged by its codes; None: nothing, it is the caller's own."""
    seen: BaseException | None = error
    while seen is not None:
        if (kind := fault_of(seen)) is not None:
            return kind
        seen = seen.__cause__ or seen.__context__
    return None


def fault_of(error: BaseException) -> Fault | None:
    code = getattr(error, "sqlite_errorcode", None)
    if code is not None and code & 0xFF in BUSY_CODES:  # extended codes carry the plain one in their low byte
        return Fault.TRANSIENT
    state = getattr(error, "sqlstate", None)
    if state in TRANSIENT_STATES:
        return Fault.TRANSIENT
    if state in LOST_STATES or (state or "").startswith("08"):
        return Fault.LOST
    return None


def is_lost(error: BaseException) -> bool:
    """Whether the default connection is gone, so that nothing in memory may be trusted."""
    if fault(error) is Fault.LOST:
        return True
    if not isinstance(error, DatabaseError | InterfaceError):
        return False
    raw = connection.connection
    # psycopg has no sqlstate for a connection that broke under it, but the connection itself knows.
    return raw is None or bool(getattr(raw, "closed", False)) or isinstance(error, InterfaceError)


def is_transient(error: BaseException) -> bool:
    """Whether the same again may work."""
    return fault(error) is Fault.TRANSIENT


def is_broken() -> bool:
    """Whether the open transaction can only be rolled back."""
    # psycopg's own word for it; on SQLite an error leaves the transaction as it is.
    info = getattr(connection.connection, "info", None)
    return connection.needs_rollback or (info is not None and info.transaction_status.name == "INERROR")


def forget() -> None:
    """Close the connection, whatever state it is in; the next query opens a new one."""
    try:
        connection.close()
    except DatabaseError:
        pass  # it was broken; Django drops it all the same
    finally:
        # Inside atomic() Django only marks the connection as closed; whoever left the block by its exception is out.
        connection.connection = None
        connection.closed_in_transaction = False
        connection.needs_rollback = False
        connection.in_atomic_block = False
        connection.savepoint_ids.clear()
        connection.atomic_blocks.clear()
        connection.run_on_commit.clear()


def bound_idle_transactions(seconds: float) -> None:
    """On PostgreSQL, let the server end our session when a transaction idles for longer: we are frozen or cut off."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('idle_in_transaction_session_timeout', %s, false)", [str(round(seconds * 1000))]
        )


def back_off(attempt: int) -> None:
    """Wait a little before the same is tried again: 2 ms, doubled with each attempt up to a quarter second, spread."""
    time.sleep(min(0.25, BUSY_RETRY * 2**attempt) * random.uniform(0.5, 1.5))


asking = threading.Lock()  # one thread of a process asks for SQLite's lock; fifty would leave the CPU to nobody


def nobody_asks() -> None:
    """In a forked child, which has none of its parent's threads."""
    global asking
    asking = threading.Lock()


os.register_at_fork(after_in_child=nobody_asks)


class Overtaken(Exception):
    """What was to be written isn't needed any more: while we waited for our turn, somebody else wrote it."""


def never() -> bool:
    return False


@contextmanager
def write(is_overtaken: Callable[[], bool] = never) -> Iterator[None]:
    """A transaction for a short write. On SQLite it waits for the write lock by asking every 2 ms.

    `is_overtaken` may be asked while it waits; where it says so, this raises Overtaken. So two hundred who want the
    same need one turn, and not one each.
    """
    with ExitStack() as stack:
        atomic = transaction.atomic()
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            enter_sqlite(stack, atomic, is_overtaken)
        else:
            stack.enter_context(atomic)
        yield


def enter_sqlite(stack: ExitStack, atomic: transaction.Atomic, is_overtaken: Callable[[], bool]) -> None:
    """BEGIN IMMEDIATE, retried every 2 ms. Raises Overtaken, and OperationalError when it takes more than 20 s."""
    give_up = time.monotonic() + BUSY_PATIENCE
    timeout_ms = round(float(connection.settings_dict["OPTIONS"].get("timeout", 5)) * 1000)
    busy_timeout(0)
    seen = data_version()
    try:
        with asking:
            while True:
                try:
                    if (version := data_version()) != seen:
                        seen = version
                        if is_overtaken():
                            raise Overtaken
                    stack.enter_context(atomic)
                    return
                except OperationalError as error:
                    if not is_transient(error) or time.monotonic() > give_up:
                        raise
                time.sleep(BUSY_RETRY * random.uniform(0.5, 1.5))
    finally:
        busy_timeout(timeout_ms)


def data_version() -> int:
    """SQLite's own count of commits by other connections: 3 µs."""
    connection.ensure_connection()
    return int(connection.connection.execute("PRAGMA data_version").fetchone()[0])


def busy_timeout(milliseconds: int) -> None:
    """Set how long SQLite itself waits for a lock."""
    connection.ensure_connection()
    connection.connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
