"""Whether somebody waits for SQLite's write lock is told by a file beside the database, for just as long."""

import fcntl
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, transaction

from headway.database import waiting, write
from headway.database.turns import Turns
from headway.database.waiting import SOMEBODY, WORKER, is_awaited
from tests.app.driving import counted
from tests.app.models import LedgerEntry
from tests.workers import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite]

NOBODYS = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def holder() -> Iterator[sqlite3.Connection]:
    """A program that has the lock, and lets go of it by ROLLBACK."""
    counted()  # a thread of an earlier test may still have to write that its run is gone
    with closing(
        sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None, uri=True, check_same_thread=False)
    ) as opened:
        opened.execute("BEGIN IMMEDIATE")
        yield opened


def plainly() -> None:
    LedgerEntry.objects.create(run=NOBODYS, item="1")


def in_a_transaction() -> None:
    with transaction.atomic():
        plainly()


def by_headway() -> None:
    with write():
        plainly()


@pytest.mark.parametrize("written", [plainly, in_a_transaction, by_headway])
def test_it_is_told_for_as_long_as_a_write_waits(holder: sqlite3.Connection, written: Any) -> None:
    def run() -> None:
        written()
        connections.close_all()

    assert not is_awaited()
    waiter = threading.Thread(target=run)
    waiter.start()
    until(is_awaited)
    holder.execute("ROLLBACK")
    waiter.join()

    assert not is_awaited()
    assert LedgerEntry.objects.count() == 1


def test_reading_waits_for_nobody_and_tells_nothing(holder: sqlite3.Connection) -> None:
    told: list[bool] = []

    def look(execute: Any, *given: Any) -> Any:
        told.append(is_awaited())
        return execute(*given)

    with connection.execute_wrapper(look):
        assert LedgerEntry.objects.count() == 0

    assert told == [False]


def test_whoever_has_the_lock_already_tells_nothing() -> None:
    told: list[bool] = []

    def look(execute: Any, *given: Any) -> Any:
        told.append(is_awaited())
        return execute(*given)

    with transaction.atomic(), connection.execute_wrapper(look):
        plainly()

    assert told == [False]


def test_workers_who_wait_are_told_apart() -> None:
    with waiting.waiting(WORKER):
        assert (is_awaited(), is_awaited(WORKER)) == (False, True)
    assert not is_awaited(WORKER)


def test_a_fork_waits_for_nothing() -> None:
    with waiting.waiting():
        here, there = socket.socketpair()
        child = os.fork()
        if child == 0:
            there.send(b"forked")
            there.recv(1)
            os._exit(0)
        here.recv(6)
    try:
        assert not is_awaited()
    finally:
        here.send(b"!")
        os.waitpid(child, 0)
        here.close()
        there.close()


def test_a_worker_that_stands_still_for_a_moment_while_it_looks_learns_it_nevertheless(
    holder: sqlite3.Connection,
) -> None:
    """As on a busy machine, where another process has the processor just then."""
    waiter = threading.Thread(target=lambda: (plainly(), connections.close_all()))
    with open(f"{connection.settings_dict['NAME']}{SOMEBODY}", "w") as looked_at:
        fcntl.flock(looked_at, fcntl.LOCK_EX)
        waiter.start()
        time.sleep(0.015)  # the moment itself: of another process that stands still nothing could tell
        fcntl.flock(looked_at, fcntl.LOCK_UN)
    until(is_awaited)
    holder.execute("ROLLBACK")
    waiter.join()


def test_a_worker_that_is_frozen_while_it_looks_holds_up_nobody() -> None:
    with open(f"{connection.settings_dict['NAME']}{SOMEBODY}", "w") as looked_at:
        fcntl.flock(looked_at, fcntl.LOCK_EX)

        plainly()

    assert LedgerEntry.objects.count() == 1


def test_one_who_waits_and_never_comes_in_is_not_waited_for_again_and_again() -> None:
    turns = Turns()
    with waiting.waiting():
        turns.begin(0.4)
        assert turns.is_over(time.monotonic())
        turns.give_way()
        turns.begin(0.4)
        assert not turns.is_over(time.monotonic())
        until(lambda: turns.is_over(time.monotonic()))


def test_where_no_file_can_be_made_one_waits_as_any_program_does(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = str(Path(connection.settings_dict["NAME"]).parent / "nowhere" / "db.sqlite3")
    monkeypatch.setattr(waiting, "path_of", lambda kind: nowhere + kind)

    plainly()

    assert LedgerEntry.objects.count() == 1
    assert not is_awaited()
