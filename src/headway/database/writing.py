"""Transactions: short writes of our own and the project's, and how each waits for SQLite's one write lock."""

import os
import random
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import QuerySet

from .faults import is_transient
from .waiting import SOMEBODY, waiting

BUSY_RETRY = 0.002  # s; SQLite's own back-off goes up to 100 ms, which starves a writer that waits
BUSY_PATIENCE = 20.0  # s; after that the error is raised


def back_off(attempt: int) -> None:
    """Wait a little before the same is tried again: 2 ms, doubled with each attempt up to a quarter second, spread."""
    time.sleep(min(0.25, BUSY_RETRY * 2**attempt) * random.uniform(0.5, 1.5))


asking = threading.Lock()  # one thread of a process asks for SQLite's lock; fifty would use up the CPU


def nobody_asks() -> None:
    """In a forked child, which has none of its parent's threads."""
    global asking
    asking = threading.Lock()


os.register_at_fork(after_in_child=nobody_asks)


@contextmanager
def write() -> Iterator[None]:
    """A transaction for a short write of our own, in READ COMMITTED: it waits for a row, and then reads what is there.

    In a stricter level that a project has chosen it would fail instead, whenever another one was quicker. Inside
    a transaction of the project's it is as strict as that one.
    """
    outermost = not connection.in_atomic_block
    with write_beside_project():
        if outermost and connection.vendor == "postgresql" and "isolation_level" in connection.settings_dict["OPTIONS"]:
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
        yield


def delete_any(rows: QuerySet[Any]) -> None:
    """Delete these rows, if there are any: a DELETE would take SQLite's lock for nothing."""
    if rows.exists():
        with write():
            rows.delete()


@contextmanager
def write_beside_project(kind: str = SOMEBODY, patience: float = BUSY_PATIENCE) -> Iterator[None]:
    """A transaction in which the project's own code runs, as strict as the project has chosen. On SQLite it waits for
    the write lock by asking every 2 ms, as a waiter of this kind (`waiting`), for so many seconds at most.

    Every write that may have to wait goes through here. A thread that waits inside SQLite keeps its connection locked;
    if the one that has the write lock collects a cursor of that connection, as garbage, both wait for 20 s.
    """
    with ExitStack() as stack:
        atomic = transaction.atomic()
        if connection.vendor == "sqlite" and not connection.in_atomic_block:
            with waiting(kind):
                enter_sqlite(stack, atomic, patience)
        else:
            stack.enter_context(atomic)
        yield


def enter_sqlite(stack: ExitStack, atomic: transaction.Atomic, patience: float) -> None:
    """BEGIN IMMEDIATE, retried every 2 ms. Raises OperationalError when it takes more than `patience` seconds."""
    give_up = time.monotonic() + patience
    timeout_ms = round(float(connection.settings_dict["OPTIONS"].get("timeout", 5)) * 1000)
    busy_timeout(0)
    try:
        with asking:
            while True:
                try:
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
