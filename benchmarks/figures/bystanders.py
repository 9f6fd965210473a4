"""A project's own writes, by Django alone, while workers write all the time."""

import random
import time
from collections.abc import Callable, Iterator

from benchmarks.drive import forget_runs
from benchmarks.interleave import spread
from benchmarks.models import Row
from benchmarks.operations import SideBySide, update
from benchmarks.sizes import Size
from benchmarks.table import Figure, spell_seconds
from benchmarks.workers import until, workers
from headway import runs
from headway.database import write
from headway.models import Part, Run

__all__ = ["bystanders"]

PAUSE_MS = 5  # of an item, inside its transaction
ENDLESS = 10_000_000  # items
PROCESSES = (1, 2, 4)


def bystanders(size: Size) -> Iterator[Figure]:
    """How long an UPDATE takes beside one, two and four busy processes: as Django waits, and as Headway does."""
    row = Row.objects.create()
    for processes in PROCESSES:
        with workers(processes):
            begun = [runs.start(SideBySide, {"items": ENDLESS, "pause_ms": PAUSE_MS}).run for _ in range(processes * 2)]
            until(lambda: done() > 0)
            before, since = done(), time.monotonic()
            plainly = [seconds_of(lambda: update(row)) for _ in range(size.writes)]
            asking = [seconds_of(lambda: ask_and_update(row)) for _ in range(size.writes)]
            rate = (done() - before) / (time.monotonic() - since)
            for run in begun:
                runs.cancel(run)
            until(lambda: not Run.objects.filter(finished_at=None).exists())
        forget_runs()
        yield Figure(f"beside {processes} busy", f"{rate:,.0f} items/s")
        yield told("- an UPDATE as Django waits", plainly)
        yield told("- as Headway waits", asking)
    row.delete()


def ask_and_update(row: Row) -> None:
    with write():
        update(row)


def seconds_of(written: Callable[[], None]) -> float:
    """How long it takes, at some moment."""
    time.sleep(random.uniform(0.05, 0.3))  # anywhere between two of the gaps that workers leave
    began = time.monotonic()
    written()
    return time.monotonic() - began


def told(what: str, took: list[float]) -> Figure:
    found = spread(took)
    return Figure(
        what,
        f"median {spell_seconds(found.median)}",
        f"longest of {len(took)} {spell_seconds(max(took))}",
        f"{spell_seconds(found.low)} to {spell_seconds(found.high)}",
    )


def done() -> int:
    """Items of all runs."""
    return sum(Part.objects.values_list("succeeded", flat=True))
