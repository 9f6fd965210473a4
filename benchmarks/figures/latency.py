"""From the call of `runs.start` to the first item, in a worker process that has nothing to do."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any

from benchmarks.drive import forget_runs
from benchmarks.interleave import spread
from benchmarks.operations import Ping
from benchmarks.sizes import Size
from benchmarks.table import Figure, at_most, spell_seconds
from headway import runs
from headway.models import Run, Worker

__all__ = ["first_item"]

GOAL_SECONDS = 0.050
PATIENCE = 30.0  # s


def first_item(size: Size) -> Iterator[Figure]:
    """The median of many starts, each when the worker has been idle for a while."""
    latencies, starts = [], []
    with idle_worker():
        for _ in range(size.pings):
            time.sleep(random.uniform(0.1, 1.0))  # anywhere between two polls
            began = time.monotonic()
            run = runs.start(Ping).run
            starts.append(time.monotonic() - began)
            until(Run.objects.filter(pk=run.pk, finished_at__isnull=False).exists)
            run.refresh_from_db()
            reached: Any = run.result
            latencies.append(reached - began)
    forget_runs()
    found = spread(latencies)
    yield Figure(
        f"start to first item, {size.pings} starts",
        spell_seconds(found.median),
        f"of it runs.start {spell_seconds(median(starts))}",
        f"{spell_seconds(found.low)} to {spell_seconds(found.high)}",
        f"≤ {spell_seconds(GOAL_SECONDS)}",
        at_most(GOAL_SECONDS, found),
    )


@contextmanager
def idle_worker() -> Iterator[None]:
    """A `headway_worker` with one process, once it has told that it is there."""
    command = [sys.executable, "-m", "django", "headway_worker", "--verbosity", "0"]
    worker = subprocess.Popen(command, env=os.environ | {"DJANGO_SETTINGS_MODULE": "benchmarks.settings"})
    try:
        until(Worker.objects.exists)
        yield
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait()


def until(condition: Callable[[], bool]) -> None:
    """Ask every 5 ms."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up, f"still not so after {PATIENCE} s"
        time.sleep(0.005)
