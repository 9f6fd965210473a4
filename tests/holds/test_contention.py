"""Ten services contend for one name, while its holders are killed, frozen and cut off by turns."""

import itertools
import os
import signal
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from servers.valkey import Valkey
from tests.app.shelf import Shelf, Written
from tests.crash.aloud import Tell
from tests.forked import start
from tests.workers import children_of, environment, until

from .wire import Wire

# Each service has an SQLite of its own.
pytestmark = [pytest.mark.sqlite, pytest.mark.slow, pytest.mark.django_db]

SECONDS = float(os.environ.get("HOLDS_SECONDS", "12"))
SERVICES = 10
RUNS = 150  # of each service: more than it comes to
LEASE = 0.7  # s
AWAY = 3.0  # s: what isn't renewed runs out after three leases
BETWEEN = 1.0  # s between two mishaps
MISHAPS = ("kill", "freeze", "cut")


class Service:
    """A supervisor, its worker, and the wire to Redis."""

    def __init__(self, number: int, directory: Path, shelf: Path, server: Valkey) -> None:
        self.database = directory / f"{number}.sqlite3"
        copy_tables(self.database)
        self.wire = Wire(server.ports[0])
        self.away_until = 0.0
        self.away = ""
        told = {
            "TEST_DATABASE_NAME": str(self.database),
            "TEST_HOLDS": f"redis://127.0.0.1:{self.wire.port}/0",
            "TEST_SLICE_SECONDS": "2",
        }
        self.process = start(["-m", "tests.holds.service", str(shelf), str(RUNS)], environment(LEASE) | told)

    def worker(self) -> int | None:
        return next(iter(children_of(self.process.pid)), None)

    def strike(self, mishap: str, worker: int) -> None:
        if mishap == "kill":
            with suppress(ProcessLookupError):
                os.kill(worker, signal.SIGKILL)
            return
        self.away, self.away_until = mishap, time.monotonic() + AWAY
        if mishap == "freeze":
            os.killpg(self.process.pid, signal.SIGSTOP)
        else:
            self.wire.cut()

    def come_back(self) -> None:
        if self.away == "freeze":
            os.killpg(self.process.pid, signal.SIGCONT)
        self.wire.mend()
        self.away = ""

    def close(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.wire.close()

    def ask(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.database, timeout=20)) as database:
            return database.execute(sql).fetchall()


def copy_tables(to: Path) -> None:
    """The test's own database, which is empty and has all tables."""
    with closing(sqlite3.connect(connection.settings_dict["NAME"])) as tables, closing(sqlite3.connect(to)) as copy:
        tables.backup(copy)


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    with Valkey() as server:
        yield server


def test_never_do_two_services_hold_a_name_by_its_number(valkey: Valkey, tmp_path: Path, tell: Tell) -> None:
    shelf = Shelf(tmp_path / "shelf")
    services = [Service(number, tmp_path, shelf.path, valkey) for number in range(SERVICES)]
    try:
        until(lambda: all(service.worker() for service in services), 120)
        until(lambda: shelf.lines(), 60)
        struck = contend(services, shelf)
    finally:
        for service in services:
            service.close()
    lines = shelf.lines()
    judge(services, lines)
    takings = {line.fence for line in lines if line.accepted}
    late = sum(not line.accepted for line in lines)
    ended = sum(service.ask("SELECT count(*) FROM headway_run WHERE state = 'succeeded'")[0][0] for service in services)
    tell(
        f"{SERVICES} services, {SECONDS:g} s: {len(takings)} takings, {len(lines)} writes, {late} refused as late, "
        f"{struck['kill']} kills, {struck['freeze']} freezes, {struck['cut']} cuts, {ended} runs ended"
    )
    assert len({line.run for line in lines}) >= 3
    assert all(struck.values())


def contend(services: list[Service], shelf: Shelf) -> dict[str, int]:
    """Strike the holders by turns, for as long as it lasts, and longer where a busy machine has kept one kind from
    happening; gives how often."""
    struck, mishaps = dict.fromkeys(MISHAPS, 0), itertools.cycle(MISHAPS)
    began, strike_at, mishap = time.monotonic(), 0.0, next(mishaps)
    while (lasted := time.monotonic() - began) < SECONDS or (not all(struck.values()) and lasted < 5 * SECONDS):
        for service in services:
            if service.away and time.monotonic() > service.away_until:
                service.come_back()
        if time.monotonic() > strike_at and (holder := holder_of(services, shelf)):
            service, worker = holder
            service.strike(mishap, worker)
            struck[mishap] += 1
            mishap, strike_at = next(mishaps), time.monotonic() + BETWEEN
        time.sleep(0.02)  # nobody tells of it: the holders are other services' processes
    for service in services:
        if service.away:
            service.come_back()
    wait_for_late_writes(shelf)
    return struck


def wait_for_late_writes(shelf: Shelf) -> None:
    """Until each of those who came back last has had the time to write."""
    before = len(shelf.lines())
    until(lambda: len(shelf.lines()) > before + 50, 30)


def holder_of(services: list[Service], shelf: Shelf) -> tuple[Service, int] | None:
    """The service whose worker wrote last, if it is one that can be struck."""
    worker = shelf.lines()[-1].pid
    supervisor = parent_of(worker)
    found = (service for service in services if service.process.pid == supervisor and not service.away)
    return next(((service, worker) for service in found), None)


def parent_of(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None  # it was killed


def judge(services: list[Service], lines: list[Written]) -> None:
    """By the shelf, which knows nothing of holds, and by what each service has committed."""
    accepted = [line for line in lines if line.accepted]
    assert [line.fence for line in accepted] == sorted(line.fence for line in accepted)
    runs_of = defaultdict(set)
    for line in lines:
        runs_of[line.fence].add(line.run)
    assert all(len(runs) == 1 for runs in runs_of.values()), "two runs had one number"
    for service in services:
        twice = service.ask(
            "SELECT run, substr(item, 1, instr(item, ' ')) AS number FROM app_ledgerentry "
            "GROUP BY run, number HAVING count(*) > 1"
        )
        assert not twice
        assert not service.ask("SELECT id FROM headway_run WHERE state NOT IN ('succeeded', 'running', 'queued')")
        assert not service.ask("SELECT key FROM headway_itemoutcome"), "an item failed, though its run held the name"
        committed_in_order(service, accepted)


def committed_in_order(service: Service, accepted: list[Written]) -> None:
    """Each row that was committed was written on the shelf under its number."""
    there = {(line.run.replace("-", ""), line.fence) for line in accepted}
    rows = service.ask("SELECT run, item FROM app_ledgerentry")
    missing = [row for row in rows if (row[0].replace("-", ""), int(row[1].partition("=")[2])) not in there]
    assert not missing
