"""A short run among long ones that have gone on for a while, and a long one among short ones that never end.

Beside it workers that go by age: each part is served in the order in which it came due, for a whole slice.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import suppress

from benchmarks.drive import forget_runs
from benchmarks.operations import SideBySide
from benchmarks.sizes import Size
from benchmarks.table import Figure, spell_seconds
from benchmarks.workers import until, workers
from headway import runs
from headway.conf import conf
from headway.errors import InvalidState
from headway.models import Part, Run

__all__ = ["fairness"]

PROCESSES = 2
PAUSE_MS = 20  # of an item
LONG, SHORT, SHORTEST = 5_000, 100, 25  # items: 100 s, 2 s, half a second
WAITING = 6  # of the shortest, at any time: more than there are workers
WORKED_MS = 9_000  # of each long run when the workers come, as if they had gone on for a while
BY_AGE = {"BENCHMARK_BY_AGE": "1"}
GOAL = 5.0  # s
PATIENCE = 180.0  # s


def fairness(size: Size) -> Iterator[Figure]:
    """One figure after the other, in about two minutes."""
    fair, by_age = short_among_long(size)
    yield Figure(
        f"2 s behind {size.long_runs} of 100 s, {PROCESSES} {conf().engine} workers",
        ", ".join(map(spell_seconds, fair)),
        f"by age {spell_seconds(by_age)}; one after the other {spell_seconds(size.long_runs * 100 / PROCESSES + 2)}",
        goal=f"≤ {GOAL:.0f} s",
        verdict="ok" if max(fair) <= GOAL else "missed",
    )
    seconds = size.lone_items * PAUSE_MS / 1000
    yield Figure(
        f"{spell_seconds(seconds)} among half seconds without end",
        spell_seconds(long_among_short({}, size)),
        f"by age {spell_seconds(long_among_short(BY_AGE, size))}",
    )


def short_among_long(size: Size) -> tuple[list[float], float]:
    """Seconds until a short run is done, again and again; and once by age."""
    begun = [start(LONG) for _ in range(size.long_runs)]
    Part.objects.update(worked_ms=WORKED_MS)
    with workers(PROCESSES):
        until(are_at_work)
        fair = [seconds_of(start(SHORT)) for _ in range(size.short_runs)]
    with workers(PROCESSES, environment=BY_AGE):
        until(are_at_work)
        by_age = seconds_of(start(SHORT))
        end(begun)
    forget_runs()
    return fair, by_age


def long_among_short(order: Mapping[str, str], size: Size) -> float:
    """Seconds until a longer run is done, while each short one that ends is followed by another."""
    with workers(PROCESSES, environment=order):
        shortest = [start(SHORTEST) for _ in range(WAITING)]
        lone = start(size.lone_items)
        began = time.monotonic()

        def is_done() -> bool:
            live = set(Run.objects.filter(finished_at=None).values_list("pk", flat=True))
            shortest[:] = [run if run.pk in live else start(SHORTEST) for run in shortest]
            return lone.pk not in live

        until(is_done, PATIENCE)
        took = time.monotonic() - began
        end(shortest)
    forget_runs()
    return took


def start(items: int) -> Run:
    return runs.start(SideBySide, {"items": items, "pause_ms": PAUSE_MS}).run


def seconds_of(run: Run) -> float:
    """How long it takes from now to its end."""
    began = time.monotonic()
    until(lambda: Run.objects.get(pk=run.pk).is_done, PATIENCE)
    return time.monotonic() - began


def are_at_work() -> bool:
    return Part.objects.filter(token__isnull=False).count() == PROCESSES


def end(begun: list[Run]) -> None:
    """Cancel what isn't done, and wait for it."""
    for run in begun:
        with suppress(InvalidState):  # it has just ended by itself
            runs.cancel(run)
    until(lambda: not Run.objects.filter(finished_at=None).exists(), PATIENCE)
