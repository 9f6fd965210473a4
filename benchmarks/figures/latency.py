"""From the call of `runs.start` to the first item, in a worker process that has nothing to do."""

import random
import time
from collections.abc import Iterator
from statistics import median
from typing import Any

from benchmarks.drive import forget_runs
from benchmarks.interleave import spread
from benchmarks.operations import Ping
from benchmarks.sizes import Size
from benchmarks.table import Figure, at_most, spell_seconds
from benchmarks.workers import until, workers
from headway import runs
from headway.conf import conf
from headway.models import Run

__all__ = ["first_item"]

GOAL_SECONDS = {"embedded": 0.050, "celery": 0.015}


def first_item(size: Size) -> Iterator[Figure]:
    """The median of many starts, each when the worker has been idle for a while."""
    latencies, starts = [], []
    with workers(1):
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
    goal = GOAL_SECONDS[conf().engine]
    yield Figure(
        f"start to first item, {size.pings} starts, {conf().engine}",
        spell_seconds(found.median),
        f"of it runs.start {spell_seconds(median(starts))}",
        f"{spell_seconds(found.low)} to {spell_seconds(found.high)}",
        f"≤ {spell_seconds(goal)}",
        at_most(goal, found),
    )
