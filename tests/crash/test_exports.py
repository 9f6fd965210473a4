"""A file to take away whose workers are killed while it is written."""

import csv
import os
import random
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User

from headway import runs
from headway.models import Part, Run, Worker
from tests.crash.aloud import Tell
from tests.crash.scene import LEASE, processed
from tests.live.clients import http
from tests.live.server import Server, serving
from tests.once import once
from tests.workers import Workers, children_of, until, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)

ROWS = {"tests.export_numbers": 60_000, "tests.export_numbers_in_parts": 24_000}
KILLS = 5
FLAT = 16_000_000  # bytes that a download of all rows may hold more than one of a few


@pytest.mark.timeout(300)
@pytest.mark.parametrize("operation", [*once("tests.export_numbers"), "tests.export_numbers_in_parts"])
def test_an_export_has_every_row_once_and_in_order_whoever_is_killed(
    operation: str, workers: Workers, dice: random.Random, tell: Tell, tmp_path: Path
) -> None:
    rows = int(os.environ.get("EXPORT_ROWS", ROWS[operation]))
    ada = User.objects.create(username="ada")
    supervisor = workers.start(processes=2, lease_seconds=LEASE)
    small = wait_for_end(runs.start(operation, {"count": 1_000}, user=ada).run.pk)
    began = time.monotonic()
    run = runs.start(operation, {"count": rows}, user=ada).run
    for kill in range(1, KILLS + 1):
        until(lambda kill=kill: processed(run) >= rows * kill // (KILLS + 2), seconds=120)  # type: ignore[misc]
        time.sleep(dice.uniform(0, 0.05))  # anywhere in a chunk
        until(lambda: kill_an_owner(run, supervisor.pid))
    ended = wait_for_end(run.pk, seconds=120)
    took = time.monotonic() - began
    resumes = sum(Part.objects.filter(run=run).values_list("resumes", flat=True))

    with serving(tmp_path / "server.log") as server:
        assert list(numbers(server, small, ada)) == list(range(1_000))
        before, began = most_memory(server), time.monotonic()
        found = list(numbers(server, ended, ada))
        seconds, more = time.monotonic() - began, most_memory(server) - before

    tell(
        f"{rows:,} rows in {took:.1f} s with {resumes} take-overs; downloaded in {seconds:.1f} s "
        f"with {more / 1e6:.1f} MB more than for 1,000 rows"
    )
    assert ended.state == "succeeded"
    assert resumes > 0
    assert found == list(range(rows))
    assert more < FLAT


def kill_an_owner(run: Run, supervisor: int) -> bool:
    """
    Kill a worker that does a part of the run now; False where there is none at this moment, and the run goes on. On a
    busy machine a test may look so late that the run has ended meanwhile.
    """
    parts = Part.objects.filter(run=run, token__isnull=False).values_list("worker", flat=True)
    pids = set(Worker.objects.filter(id__in=list(parts)).values_list("pid", flat=True))
    alive = sorted(pids & set(children_of(supervisor)))
    if alive:
        os.kill(alive[0], signal.SIGKILL)
    return bool(alive) or Run.objects.get(pk=run.pk).is_done


def numbers(server: Server, run: Run, user: Any) -> Iterator[int]:
    """The first column of the run's file."""
    with http(server, user) as client, client.stream("GET", f"/api/runs/{run.pk}/file.csv") as response:
        assert response.status_code == 200
        rows = csv.reader(response.iter_lines())
        assert next(rows) == ["number", "name", "square"]
        for number, name, square in rows:
            assert (name, int(square)) == (f"Number {number}, of all numbers", int(number) ** 2)
            yield int(number)


def most_memory(server: Server) -> int:
    """The most that the web process has held so far, in bytes."""
    status = Path(f"/proc/{server.census()['pid']}/status").read_text()
    found = re.search(r"VmHWM:\s+(\d+)", status)
    assert found
    return int(found[1]) * 1024
