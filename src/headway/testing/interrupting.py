"""A worker that is stopped or killed in mid-run, as a deploy or a crash does it.

The calls of an operation's own `process` are counted. A dead worker says nothing more to the database: once it counts
as killed, its next statement raises, whichever code is about to send it.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.db import connection
from django.db.models import QuerySet

from headway.operations import registry
from headway.operations.base import Operation
from headway.store.parts import leases

from .working import WORKER, work_until

UNDOING = ("ROLLBACK TO SAVEPOINT ", "RELEASE SAVEPOINT ")  # what the database does by itself when a session ends


class Killed(BaseException):
    """Passes whatever handles exceptions, as SIGKILL does."""


class Calls:
    """Counts items for which `process` or `process_chunk` has been called, of all operations."""

    def __init__(self, most: int) -> None:
        if most < 1:
            raise ValueError(f"{most} items: at least 1 must be done before the worker ends.")
        self.most = most
        self.begun = self.made = 0
        self.changed = threading.Condition()

    @property
    def is_enough(self) -> bool:
        return self.made >= self.most

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Until the end, each operation's calls are counted as they return."""
        before = [(kind, name, vars(kind).get(name), getattr(kind, name)) for kind, name in methods()]
        try:
            for kind, name, _, call in before:
                setattr(kind, name, self.counted(kind, call))
            yield
        finally:
            for kind, name, own, _ in before:
                setattr(kind, name, own) if own else delattr(kind, name)

    def counted(self, kind: type[Operation], call: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(call)
        def process(operation: Operation, items: Any, *more: Any) -> Any:
            if type(operation) is not kind:  # a subclass, whose method calls this one, counts by itself
                return call(operation, items, *more)
            number = count(items) if kind.declares("process_chunk") else 1
            self.begin(number)
            try:
                return call(operation, items, *more)
            finally:
                self.end(number)

        return process

    def begin(self, number: int) -> None:
        with self.changed:
            self.begun += number

    def end(self, number: int) -> None:
        with self.changed:
            self.made += number
            self.changed.notify_all()

    def check(self) -> None:
        """Raises AssertionError where the worker has come to an end by itself."""
        if not self.is_enough:
            raise AssertionError(f"The worker was to end behind item {self.most}, and has done {self.made}.")


class LastCalls(Calls):
    """The calls that a worker makes before it is killed: as many, and no other, on whichever thread."""

    def begin(self, number: int) -> None:
        """Raises Killed for one too many, once the others have returned."""
        with self.changed:
            if self.begun >= self.most:
                self.changed.wait_for(lambda: self.is_enough)
                raise Killed
            self.begun += number

    def end_session(self, execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if self.is_enough and not str(sql).startswith(UNDOING):
            raise Killed
        return execute(sql, params, many, context)


def methods() -> list[tuple[type[Operation], str]]:
    return [(kind, "process_chunk" if kind.declares("process_chunk") else "process") for kind in registry.every()]


def count(rows: Any) -> int:
    return rows.count() if isinstance(rows, QuerySet) else len(rows)


def stop_after(items: int, seconds: float = 60) -> None:
    """Do what is due like `drain`, as a worker that gets SIGTERM during this item: it ends behind it, commits, and
    gives its part back.

    An item counts each time that `process` is called for it; raises AssertionError when there aren't so many. With
    effects outside it ends behind all that it had begun by then: up to twice `window` items more, in a test's own
    transaction, where no thread calls, up to `window`. A `process_chunk` ends with its chunk.
    """
    calls, until = Calls(items), time.monotonic() + seconds
    with calls.counting():
        work_until(lambda: calls.is_enough or time.monotonic() >= until)
    calls.check()


def kill_after(items: int, seconds: float = 60) -> None:
    """Do what is due like `drain`, as a worker that is killed behind this item, before its chunk is committed.

    What the chunk has written is rolled back; an item with effects outside is in doubt. The part is due at once, as a
    supervisor sees to it, so the next `drain` takes it over. Counts as `stop_after` does. With effects outside, so many
    calls go out, and all that were to be begun with the last of them are in doubt: up to `window`.
    """
    calls, until = LastCalls(items), time.monotonic() + seconds
    try:
        with calls.counting(), connection.execute_wrapper(calls.end_session):
            work_until(lambda: time.monotonic() >= until)
    except Killed:
        leases.give_up_parts_of(WORKER)
    calls.check()
