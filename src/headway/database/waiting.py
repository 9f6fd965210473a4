"""On SQLite: which writers wait for the one write lock, told by a shared lock on a file beside the database's.

SQLite has no queue for it, and the writer that has it can't know that others want it. So a writer says so while it
waits, Headway's own writes and those of the project's processes alike; a worker looks every few milliseconds, and lets
them in. Programs that don't use Django say nothing: for them workers leave the lock alone now and then.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.backends.signals import connection_created

SOMEBODY, WORKER = "-waiting", "-working"  # what the files are called, behind the database's own name
IN_MEMORY = ("memory:", "mode=memory")  # in the name of what is no file
PAUSES = [0.0002 * 2**attempt for attempt in range(8)]  # s: 51 ms in all
HARMLESS = ("SELECT", "PRAGMA", "EXPLAI")

held: set[int] = set()  # file descriptors of this process on which it waits
looked: dict[str, int] = {}  # by path, those on which it looks
told: ContextVar[bool] = ContextVar("told", default=False)


@contextmanager
def waiting(kind: str = SOMEBODY) -> Iterator[None]:
    """Inside, others know that a writer of this kind waits for the write lock of the default database."""
    path = path_of(kind)
    descriptor = opened(path) if path else None
    if descriptor is None:
        yield
        return
    held.add(descriptor)
    before = told.set(True)
    try:
        say(descriptor)
        yield
    finally:
        told.reset(before)
        held.discard(descriptor)
        os.close(descriptor)


def say(descriptor: int) -> None:
    """Take the shared lock. A worker that looks has it for a microsecond; for milliseconds, if it loses the processor
    just then; or for as long as it is frozen: so after some attempts the writer waits untold."""
    for pause in PAUSES:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            time.sleep(pause)  # not LOCK_SH that blocks: it would wait for a frozen worker
        else:
            return


def is_awaited(kind: str = SOMEBODY) -> bool:
    """Whether a writer of this kind waits for it now: about 2 µs."""
    path = path_of(kind)
    if path is None:
        return False
    descriptor = looked[path] if path in looked else opened(path)
    if descriptor is None:
        return False
    looked[path] = descriptor
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False


def path_of(kind: str) -> str | None:
    """The file's; None where there is no such lock."""
    return beside(str(connection.settings_dict["NAME"]), kind) if connection.vendor == "sqlite" else None


@cache
def beside(database: str, kind: str) -> str | None:
    return None if any(map(database.__contains__, IN_MEMORY)) else f"{database}{kind}"


def opened(path: str) -> int | None:
    """A process that may read the file may wait on it; None where it can't: then it waits as any program does."""
    try:
        return os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:
        return None


def forget_all() -> None:
    """In a forked child: what its parent waits on and looks at isn't its own."""
    for descriptor in [*held, *looked.values()]:
        os.close(descriptor)
    held.clear()
    looked.clear()


os.register_at_fork(after_in_child=forget_all)


def connect() -> None:
    """From now on, each of the project's own writes on SQLite says while it waits that it does."""
    connection_created.connect(on_connection_created, dispatch_uid="headway.waiting")


def on_connection_created(sender: Any, connection: Any, **kwargs: Any) -> None:
    ours = connection.vendor == "sqlite" and connection.alias == DEFAULT_DB_ALIAS
    if ours and tell not in connection.execute_wrappers:
        connection.execute_wrappers.append(tell)


def tell(execute: Any, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """A wrapper around each statement: one that may wait for the lock says so. Inside a transaction none does, since it
    began with the lock (IMMEDIATE)."""
    if context["connection"].in_atomic_block or told.get() or sql[:6].upper() in HARMLESS:
        return execute(sql, params, many, context)
    with waiting():
        return execute(sql, params, many, context)
