"""Items of pure work against the bare loop over the same work, by two measures.

*Around the items*: what a run takes beyond its items, which time themselves, less what the loop takes beyond them.
Items and their surroundings are disturbed alike by whatever else the machine does, so this is exact to a fraction of a
percent, and the goals are judged by it; but it can't see an item that is slower for Headway's sake. *Against the loop*
compares whole runs with whole loops and sees that too, but on a machine that isn't idle it wavers by more than a goal.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

from django.db import connection

from benchmarks.drive import drive
from benchmarks.interleave import Sample, Spread, Stopwatch, interleave, spread
from benchmarks.operations import Spin
from benchmarks.sizes import Size
from benchmarks.table import Figure, at_most, spell_percent, spell_seconds
from benchmarks.work import turns_in
from headway.operations.context import Context

__all__ = ["long_items", "short_items"]


@dataclass(frozen=True)
class Timed:
    """All of it, and of that the items themselves."""

    total: Sample
    inside: Sample


@dataclass(frozen=True)
class Goal:
    """The most that may come on top of the loop, by the clock and in CPU; None: no goal."""

    wall: float | None = None
    cpu: float | None = None


def short_items(size: Size) -> Iterator[Figure]:
    """Items of 100 µs. SQLite's gaps, in which others write, cost time but no CPU."""
    goal = Goal(wall=0.25 if connection.vendor == "sqlite" else 0.03, cpu=0.03)
    pairs = [one_round(number, size.short_items, seconds=100e-6) for number in range(size.rounds)]
    yield from figures(f"{size.short_items:,} × 100 µs", pairs, size.short_items, goal)


def long_items(size: Size) -> Iterator[Figure]:
    """Items of 1 ms."""
    goal = Goal() if connection.vendor == "sqlite" else Goal(wall=0.02)
    pairs = [one_round(number, size.long_items, seconds=1e-3) for number in range(size.long_rounds)]
    yield from figures(f"{size.long_items:,} × 1 ms", pairs, size.long_items, goal)


def one_round(number: int, items: int, seconds: float) -> tuple[Timed, Timed]:
    """(by Headway, by the loop): the same work, of as many turns as take that long just now."""
    params = {"items": items, "turns": turns_in(seconds)}
    contenders = {"loop": lambda: loop(params), "headway": lambda: run(params)}
    names = list(contenders) if number % 2 else list(contenders)[::-1]
    samples = interleave(1, {name: contenders[name] for name in names})
    return samples["headway"][0], samples["loop"][0]


def figures(what: str, pairs: list[tuple[Timed, Timed]], items: int, goal: Goal) -> Iterator[Figure]:
    """By the clock and in CPU, around the items and against the loop."""
    item = median(reference.inside.wall for _, reference in pairs) / items
    clocks: list[tuple[str, float | None, Callable[[Sample], float]]] = [
        ("", goal.wall, lambda sample: sample.wall),
        (", CPU", goal.cpu, lambda sample: sample.cpu),
    ]
    for clock, limit, of in clocks:
        around = spread([of(m.total) / of(m.inside) - of(r.total) / of(r.inside) for m, r in pairs])
        against = spread([of(m.total) / of(r.total) - 1 for m, r in pairs])
        extra = f"{spell_seconds(around.median * item)} an item"
        yield figure(f"{what}{clock}, around the items", extra, f"item {spell_seconds(item)}", around, limit)
        yield Figure(f"{what}{clock}, against the loop", ratio=spell_percent(against))


def figure(what: str, extra: str, reference: str, share: Spread, limit: float | None) -> Figure:
    goal, verdict = ("", "") if limit is None else (f"≤ {limit * 100:.0f} %", at_most(limit, share))
    return Figure(what, extra, reference, spell_percent(share), goal, verdict)


def loop(params: dict[str, int]) -> Timed:
    operation = Spin(Context(params=params))
    operation.items()
    return timed(lambda: bare(operation, params["items"]))


def bare(operation: Spin, items: int) -> Sample:
    process = operation.process
    with Stopwatch() as watch:
        for number in range(items):
            process(number)
    return watch.sample


def run(params: dict[str, int]) -> Timed:
    return timed(lambda: drive(Spin.name, params))


def timed(whole: Callable[[], Sample]) -> Timed:
    Spin.wall = Spin.cpu = 0.0
    total = whole()
    return Timed(total, Sample(Spin.wall, Spin.cpu))
