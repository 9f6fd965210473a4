"""Connections: closed in any state, before a fork, and by the server when this process is frozen."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import Error, connection, connections

IDLE_SLACK = 5.0  # s beyond what an item may take, so that only a worker that can't end its transaction is ended

T = TypeVar("T")


def forget() -> None:
    """Close the connection, in any state; the next query opens a new one."""
    try:
        connection.close()
    except Error:
        connection.connection = None  # it was broken


def close_before_fork() -> None:
    """Close every connection of this process, those in pools too: a forked child must not share one."""
    for each in connections.all(initialized_only=True):
        each.close()
        if hasattr(each, "close_pool"):
            each.close_pool()


def is_seen_by_no_other() -> bool:
    """Whether another thread's connection couldn't work beside this one: it is inside a transaction that has begun
    before, as in a TestCase, or its database is SQLite's in memory, which has one lock for each table."""
    return connection.in_atomic_block or getattr(connection, "is_in_memory_db", bool)()  # SQLite's alone has it


def outside_transaction(read: Callable[[], T]) -> T:
    """What this reads on a connection of its own, whatever the snapshot of the open transaction shows."""

    def on_its_own() -> T:
        try:
            return read()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as thread:
        return thread.submit(on_its_own).result()


def bound_idle_transactions(seconds: float) -> None:
    """On PostgreSQL, let the server end our session when a transaction idles for longer (and 5 s): we are frozen or cut
    off."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('idle_in_transaction_session_timeout', %s, false)", [idle_timeout_ms(seconds)]
        )


def idle_timeout_ms(seconds: float) -> str:
    """What PostgreSQL is to be told, where a transaction may rightly idle for this time."""
    return str(round((seconds + IDLE_SLACK) * 1000))


def sync_each_commit() -> int | None:
    """On SQLite, let each COMMIT of this connection reach the disk before it returns: with WAL many projects do without
    (`synchronous=NORMAL`), and a power cut then takes back what was committed last. Gives what was set before.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        return None
    with connection.cursor() as cursor:
        before: int = cursor.execute("PRAGMA synchronous").fetchone()[0]
        cursor.execute("PRAGMA synchronous = FULL")
    return before


def set_sync(level: int | None) -> None:
    """As it was before `sync_each_commit`; None: nothing has changed."""
    if level is not None and connection.connection is not None and not connection.in_atomic_block:
        with connection.cursor() as cursor:
            cursor.execute(f"PRAGMA synchronous = {level:d}")
