"""Items of pure work against the bare loop over the same work."""

from collections.abc import Iterator

from django.db import connection

from benchmarks.drive import drive
from benchmarks.interleave import Sample, Samples, Stopwatch, interleave
from benchmarks.sizes import Size
from benchmarks.table import Figure, spell_seconds
from benchmarks.work import spin, turns_in

__all__ = ["long_items", "short_items"]


def short_items(size: Size) -> Iterator[Figure]:
    """Items of 100 µs: at most 3 % on PostgreSQL; on SQLite 25 % by the clock, since its gaps let others write."""
    samples = compare(size.rounds, size.short_items, seconds=100e-6)
    sqlite = connection.vendor == "sqlite"
    yield figure("100 µs of work", samples, size.short_items, goal=0.25 if sqlite else 0.03)
    cpu = samples.cpu_ratio("headway", "loop") - 1
    yield Figure("100 µs of work, CPU", "", "", f"{cpu:+.1%}", "≤ 3 %", cpu <= 0.03)


def long_items(size: Size) -> Iterator[Figure]:
    """Items of 1 ms: under 2 % on PostgreSQL."""
    samples = compare(size.long_rounds, size.long_items, seconds=1e-3)
    yield figure("1 ms of work", samples, size.long_items, goal=None if connection.vendor == "sqlite" else 0.02)
    cpu = samples.cpu_ratio("headway", "loop") - 1
    yield Figure("1 ms of work, CPU", "", "", f"{cpu:+.1%}")


def compare(rounds: int, items: int, seconds: float) -> Samples:
    """The same work by Headway and by a loop, in turns."""
    turns = turns_in(seconds)

    def loop() -> Sample:
        with Stopwatch() as watch:
            for _number in range(items):
                spin(turns)
        return watch.sample

    def headway() -> Sample:
        return drive("benchmarks.spin", {"items": items, "turns": turns})

    return interleave(rounds, {"loop": loop, "headway": headway})


def figure(what: str, samples: Samples, items: int, goal: float | None) -> Figure:
    """By the clock: how long an item takes, and how much of it the loop doesn't."""
    loop, over = samples.wall("loop") / items, samples.ratio("headway", "loop") - 1
    return Figure(
        f"{what}, {items:,} items",
        f"{spell_seconds(over * loop)} over the loop",
        f"loop {spell_seconds(loop)}",
        f"{over:+.1%}",
        "" if goal is None else f"≤ {goal:.0%}",
        None if goal is None else over <= goal,
    )
