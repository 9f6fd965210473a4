"""Threads of one process that wait for SQLite's write lock, and garbage that belongs to a connection in use.

SQLite lets one thread at a time use a connection. Whoever collects a cursor of another thread's connection waits until
that thread leaves SQLite; if that one waits inside SQLite for the lock that the first one has, both wait for twenty
seconds, and every other writer with them.
"""

import gc
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.db.backends.sqlite3.base import SQLiteCursorWrapper

from headway.database import write
from headway.models import IdempotencyKey, Part, Run, Worker
from headway.store.parts import leases, workers
from headway.store.starts import keys
from tests.app.driving import claim, start

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]

PATIENCE = 10.0  # s
AT_ONCE = 8.0  # s: far more than it takes on a busy machine, far less than SQLite's twenty seconds


@pytest.fixture(autouse=True)
def garbage() -> Iterator[None]:
    """None is collected unless a test says so."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def leave_a_cursor_as_garbage() -> None:
    """As an exception does whose traceback refers to itself."""
    circle: list[Any] = []
    circle.append((circle, connection.connection.execute("SELECT 1 UNION SELECT 2")))


def leave_something_to_tidy() -> None:
    """A worker that has long been silent, and an idempotency key whose time is over."""
    Worker.objects.create(id="silent", host="here", pid=1, doorbell=0, beat=0)
    over = start(items=1)
    Part.objects.filter(run=over).delete()
    long_ago = over.created_at - timedelta(days=2)
    Run.objects.filter(pk=over.pk).update(state="cancelled", live_key=None, finished_at=long_ago)
    IdempotencyKey.objects.create(principal="", key="expired-key", fingerprint="", run=over)


WRITES: dict[str, Callable[[Part], object]] = {
    "beat": lambda part: workers.beat("waiting", "here", 1, 0),
    "leave": lambda part: workers.leave("waiting"),
    "renew": lambda part: leases.renew(part.run_id, part.token or 0),
    "release": lambda part: leases.release(part),
    "give up": lambda part: leases.give_up_parts_of(part.worker),
    "forget keys": lambda part: keys.forget_expired(),
    "forget workers": lambda part: workers.forget_silent(),
}


@pytest.mark.parametrize("name", WRITES)
def test_whoever_has_the_lock_may_collect_what_those_who_wait_have_left(name: str) -> None:
    part = claim(start())
    leave_something_to_tidy()
    locked, waiting, took = threading.Event(), threading.Event(), []

    def hold() -> None:
        with write():
            locked.set()
            assert waiting.wait(PATIENCE)
            until = time.monotonic() + 0.3  # the other one is on its way into SQLite
            while not took or time.monotonic() < until:
                began = time.monotonic()
                gc.collect()
                took.append(time.monotonic() - began)
        connections.close_all()

    def tell(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if not sql.startswith("SELECT"):  # which waits for nobody
            waiting.set()
        return execute(sql, params, many, context)

    leave_a_cursor_as_garbage()
    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(PATIENCE)
    with connection.execute_wrapper(tell):
        WRITES[name](part)
    written = waiting.is_set()
    waiting.set()  # else the other one would wait for ever
    holder.join()

    assert written, "it had nothing to write"
    assert max(took) < AT_ONCE


def test_asking_for_the_lock_again_and_again_leaves_no_cursor_as_garbage() -> None:
    locked, enough = threading.Event(), threading.Event()
    asked = []

    def hold() -> None:
        with write():
            locked.set()
            assert enough.wait(PATIENCE)
        connections.close_all()

    def count(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        try:
            return execute(sql, params, many, context)
        except OperationalError:
            asked.append(sql)
            if len(asked) == 20:
                enough.set()
            raise

    holder = threading.Thread(target=hold)
    holder.start()
    assert locked.wait(PATIENCE)
    gc.collect()
    with connection.execute_wrapper(count), write():
        pass
    holder.join()

    assert len(asked) >= 20
    gc.set_debug(gc.DEBUG_SAVEALL)
    try:
        gc.collect()
        left = [each for each in gc.garbage if isinstance(each, SQLiteCursorWrapper)]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
    assert left == []
