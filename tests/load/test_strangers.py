"""A project's own writes on SQLite, beside workers that write all the time."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from statistics import median

import pytest
from django.db import connection

from headway import runs
from headway.models import Part
from tests.app.models import LedgerEntry
from tests.pace import BareProcess
from tests.workers import Workers, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.sqlite, pytest.mark.alone]

BUSY = 3  # worker processes
SILENCE = 0.08  # s; whoever waits inside SQLite asks again after 0.1 s at the latest, most often sooner
OFTEN = 3.0  # s from one to the next; Django's SQLite gives up after 5 s
WRITES = 40
SOON = 0.2  # s: an item of 5 ms, the chunk's commit and another process's turn; a worker's chunk may take 0.4 s


@pytest.fixture
def stranger() -> Iterator[sqlite3.Connection]:
    """Who knows nothing of Headway, and never waits."""
    with closing(
        sqlite3.connect(connection.settings_dict["NAME"], timeout=0, isolation_level=None, uri=True)
    ) as opened:
        yield opened


def is_free(stranger: sqlite3.Connection) -> bool:
    """Whether the write lock could be had just now."""
    try:
        stranger.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError:
        return False
    stranger.execute("ROLLBACK")
    return True


def test_a_write_of_the_projects_processes_is_let_in_after_the_item_in_hand(
    stranger: sqlite3.Connection, workers: Workers
) -> None:
    workers.start(processes=2)
    for number in range(2):
        runs.start("tests.write_ledger", {"items": 100_000 + number, "work_us": 5_000})
    until(lambda: Part.objects.filter(succeeded__gt=0).count() == 2)
    took = []

    with BareProcess() as bare:
        for number in range(WRITES):
            until(lambda: not is_free(stranger))  # a worker holds the lock
            began = time.monotonic()
            LedgerEntry.objects.create(run="00000000-0000-0000-0000-000000000000", item=str(number))
            took.append(time.monotonic() - began)

    took.sort()
    print(f"\n  {WRITES} writes: median {median(took) * 1000:.0f} ms, all but two {took[-3] * 1000:.0f} ms")
    assert bare.undisturbed(took[-3]) < SOON


def test_all_workers_leave_the_lock_alone_at_the_same_time_again_and_again(
    stranger: sqlite3.Connection, workers: Workers
) -> None:
    workers.start(processes=BUSY)
    for number in range(BUSY):
        runs.start("tests.write_ledger", {"items": 100_000 + number, "work_us": 5_000})
    until(lambda: Part.objects.filter(succeeded__gt=0).count() == BUSY)
    taken, silences = time.monotonic(), []

    def has_been_silent_often() -> bool:
        nonlocal taken
        if not is_free(stranger):
            free_for, taken = time.monotonic() - taken, time.monotonic()
            if free_for > SILENCE:
                silences.append(free_for)
        return len(silences) == 5

    with BareProcess() as bare:
        took = until(has_been_silent_often)
    print(f"\n  nobody had the lock every {took / 5:.2f} s; a bare process was {bare.slower:.1f} times slower")
    assert bare.undisturbed(took / 5) < OFTEN
