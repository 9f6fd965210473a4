"""What the databases can do, and where they differ: short writes, faults, sessions that fence themselves."""

import logging
import os
import random
import sqlite3
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import copy_context
from functools import partial
from typing import Any

from django.db import DatabaseError, Error, InterfaceError, OperationalError, connection, connections, transaction

__all__ = [
    "Hooks",
    "back_off",
    "bound_idle_transactions",
    "close_before_fork",
    "forget",
    "idle_timeout_ms",
    "is_broken",
    "is_lost",
    "is_transient",
    "write",
    "write_beside_project",
]

log = logging.getLogger(__name__)

BUSY_RETRY = 0.002  # s; SQLite's own back-off goes up to 100 ms, which starves whoever waits
BUSY_PATIENCE = 20.0  # s; after that the error is raised
IDLE_SLACK = 5.0  # s beyond what an item may take, so that only a worker that can't end its transaction is ended

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


def forget() -> None:
    """Close the connection, whatever state it is in; the next query opens a new one."""
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


class Hooks:
    """The on_commit hooks of a transaction: a failing one is logged and counted, and the others still run.

    Otherwise one item's failing mail would silently lose the mails of all items behind it in the chunk: Django drops
    the rest of the queue. The effects are committed by then, so no item can be blamed.
    """

    def __init__(self, before_each: Callable[[], None] = lambda: None) -> None:
        self.before_each = before_each
        self.count = 0
        self.failed = 0

    def take_over(self) -> None:
        """Before COMMIT: from now on, the hooks that are there run so."""
        queue: Any = connection  # run_on_commit holds (savepoints, hook, robust), whatever the stubs say
        queue.run_on_commit = [
            (savepoints, partial(self.run, hook), True) for savepoints, hook, _ in queue.run_on_commit
        ]
        self.count = len(queue.run_on_commit)

    def run(self, hook: Callable[[], Any]) -> None:
        self.before_each()
        try:
            copy_context().run(hook)
        except Exception:
            self.failed += 1
            log.exception("event=hook-failed hook=%r", hook)


def bound_idle_transactions(seconds: float) -> None:
    """On PostgreSQL, let the server end our session when a transaction idles for longer: we are frozen or cut off."""
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('idle_in_transaction_session_timeout', %s, false)", [idle_timeout_ms(seconds)]
        )


def idle_timeout_ms(seconds: float) -> str:
    """What PostgreSQL is to be told, where a transaction may rightly idle for so long."""
    return str(round((seconds + IDLE_SLACK) * 1000))


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
    """A transaction for a short write of our own, in READ COMMITTED: it waits for a row, and then reads what is there.

    In a stricter level that a project has chosen it would fail instead, whenever somebody was quicker. Inside a
    transaction of the project's it is as strict as that one.
    """
    outermost = not connection.in_atomic_block
    with write_beside_project(is_overtaken):
        if outermost and connection.vendor == "postgresql" and "isolation_level" in connection.settings_dict["OPTIONS"]:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        yield


@contextmanager
def write_beside_project(is_overtaken: Callable[[], bool] = never) -> Iterator[None]:
    """A transaction in which the project's own code runs, as strict as the project has chosen. On SQLite it waits for
    the write lock by asking every 2 ms.

    Every write that may have to wait goes through here. A thread that waits inside SQLite keeps its connection locked;
    if the one that has the write lock collects a cursor of that connection, as garbage, both wait for 20 s.

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
                    forget_frames(error)
                time.sleep(BUSY_RETRY * random.uniform(0.5, 1.5))
    finally:
        busy_timeout(timeout_ms)


def forget_frames(error: BaseException) -> None:
    """Let go of what the frames of a handled error hold: the cursor, which would be garbage in a circle otherwise.

    Any thread may collect that garbage, and then waits for as long as ours uses its connection.
    """
    seen: BaseException | None = error
    while seen is not None:
        traceback.clear_frames(seen.__traceback__)
        seen = seen.__cause__


def data_version() -> int:
    """SQLite's own count of commits by other connections: 3 µs."""
    connection.ensure_connection()
    return int(connection.connection.execute("PRAGMA data_version").fetchone()[0])


def busy_timeout(milliseconds: int) -> None:
    """Set how long SQLite itself waits for a lock."""
    connection.ensure_connection()
    connection.connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
