"""How much is measured: all of it, or just enough to see that the benchmarks run."""

from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Size"]


@dataclass(frozen=True)
class Size:
    """Items, rows and repetitions of each figure."""

    rounds: int
    long_rounds: int
    short_items: int
    long_items: int
    rows: int
    update_rounds: int
    set_rows: int
    idle_items: int
    more_idle_items: int
    most_idle_items: int
    moves: int
    due_parts: int
    parts: int
    pings: int
    airports: int
    equal_runs: int
    equal_items: int
    queued_runs: int
    dues: tuple[int, ...]
    writes: int
    long_runs: int
    short_runs: int
    lone_items: int
    rate_rounds: int


FULL = Size(
    rounds=9,
    long_rounds=5,
    short_items=20_000,
    long_items=5_000,
    rows=5_000,
    update_rounds=31,
    set_rows=200_000,
    idle_items=100_000,
    more_idle_items=1_000_000,
    most_idle_items=10_000_000,
    moves=300,
    due_parts=2_000,
    parts=10_000,
    pings=50,
    airports=28_298,
    equal_runs=50,
    equal_items=300,
    queued_runs=1_000,
    dues=(100, 1_000, 10_000),
    writes=100,
    long_runs=20,
    short_runs=3,
    lone_items=250,
    rate_rounds=3,
)

QUICK = Size(
    rounds=1,
    long_rounds=1,
    short_items=2_000,
    long_items=200,
    rows=300,
    update_rounds=1,
    set_rows=5_000,
    idle_items=5_000,
    more_idle_items=20_000,
    most_idle_items=50_000,
    moves=20,
    due_parts=100,
    parts=500,
    pings=3,
    airports=300,
    equal_runs=4,
    equal_items=20,
    queued_runs=8,
    dues=(100, 200),
    writes=3,
    long_runs=4,
    short_runs=1,
    lone_items=25,
    rate_rounds=1,
)
