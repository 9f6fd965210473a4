"""From the call of `runs.start` to the first item, in a worker process that has nothing to do: here, or elsewhere."""

import random
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from django.db import connection

from benchmarks.drive import forget_runs
from benchmarks.interleave import spread
from benchmarks.operations import Ping
from benchmarks.sizes import Size
from benchmarks.table import Figure, at_most, spell_seconds
from benchmarks.workers import until, workers
from headway import runs
from headway.conf import conf
from headway.models import Run

__all__ = ["first_item", "first_item_elsewhere"]

GOAL_SECONDS = {"embedded": 0.050, "celery": 0.015}


def first_item(size: Size) -> Iterator[Figure]:
    """The median of many starts, each when the worker has been idle for a while."""
    with workers(1):
        yield reached(size, conf().engine)


def first_item_elsewhere(size: Size) -> Iterator[Figure]:
    """The same for an embedded worker on another machine, which only NOTIFY can reach."""
    if connection.vendor == "postgresql" and conf().engine == "embedded":
        with workers(1, module="tests.wakeups.elsewhere"):
            yield reached(size, "embedded elsewhere, by NOTIFY")


def reached(size: Size, by: str) -> Figure:
    latencies, starts = [], []
    for _ in range(size.pings):
        time.sleep(random.uniform(0.1, 1.0))  # anywhere between two polls
        began = time.monotonic()
        run = runs.start(Ping).run
        starts.append(time.monotonic() - began)
        until(Run.objects.filter(pk=run.pk, finished_at__isnull=False).exists)
        run.refresh_from_db()
        at: Any = run.result
        latencies.append(at - began)
    forget_runs()
    found = spread(latencies)
    goal = GOAL_SECONDS[conf().engine]
    return Figure(
        f"start to first item, {size.pings} starts, {by}",
        spell_seconds(found.median),
        f"of it runs.start {spell_seconds(median(starts))}",
        f"{spell_seconds(found.low)} to {spell_seconds(found.high)}",
        f"≤ {spell_seconds(goal)}",
        at_most(goal, found),
    )
