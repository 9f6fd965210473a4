"""Rows of the table: what each kind of figure says, and whether its goal is reached."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from benchmarks.interleave import Spread, spread
from benchmarks.table import Figure, at_least, at_most, spell_seconds

from .latency import Delays, Window, percentile
from .load.crowd import Opened
from .site import Cost, Usage

__all__ = ["Rate", "cpu_of", "delay", "kept", "memory", "opening", "page_shares", "rate", "single", "statements"]

KIB = 1024
PAGE_LIMIT = 0.100  # s
KEPT_GOAL = 0.01  # a watcher: the gate's few threads may come while all open


def single(value: float) -> Spread:
    """What was measured only once."""
    return Spread(value, value, value)


def delay(what: str, told: Delays, window: Window, goal: float | None = None) -> Figure:
    """The 99th percentile; the quartiles are those of the window's four quarters."""
    quarters = told.percentiles(0.99, window)
    lost = f", {told.missing:,} never" if told.missing else ""
    return Figure(
        f"{what}, p99",
        spell_seconds(told.percentile(0.99)),
        f"p50 {spell_seconds(told.percentile(0.5))}, longest {spell_seconds(told.percentile(1))}{lost}",
        f"{spell_seconds(quarters.low)} to {spell_seconds(quarters.high)}",
        f"≤ {spell_seconds(goal)}" if goal else "",
        at_most(goal, quarters) if goal else "",
    )


def cpu_of(what: str, cost: Cost, messages: int, goal: float | None = None) -> Figure:
    """Of the web process, all that it did meanwhile included."""
    found = cost.cpu_for(messages / 1_000)
    return Figure(
        what,
        spell_seconds(found.high),
        f"{messages / cost.seconds:,.0f} messages a second, {cost.share:.0%} of a core".replace("%", " %"),
        f"{spell_seconds(found.low)} to {spell_seconds(found.high)}",
        f"≤ {spell_seconds(goal)}" if goal else "",
        at_most(goal, found) if goal else "",
    )


def opening(what: str, opened: Opened, cost: Cost, goal: float | None = None) -> Figure:
    """CPU for one; beside it how many a second there were, and how long one waited."""
    found = cost.cpu_for(opened.count)
    longest = percentile(sorted(opened.waits), 0.99)
    lost = f", {opened.refused:,} not opened" if opened.refused else ""
    return Figure(
        what,
        f"{spell_seconds(found.high)} CPU",
        f"{opened.count / opened.seconds:,.0f} a second, p99 {spell_seconds(longest)}{lost}",
        f"{spell_seconds(found.low)} to {spell_seconds(found.high)}",
        f"≤ {spell_seconds(goal)}" if goal else "",
        at_most(goal, found) if goal else "",
    )


def statements(what: str, cost: Cost) -> Figure:
    """SQL statements of the whole process; SQLite's PRAGMA data_version isn't one."""
    return Figure(what, f"{cost.statements / cost.seconds:.0f} a second")


def memory(what: str, more: int, watchers: int, goal: float | None = None) -> Figure:
    """How much more the process holds than with nobody there."""
    found = more / max(1, watchers) / KIB
    return Figure(
        what,
        f"{found:.1f} KiB",
        goal=f"≤ {goal:.0f} KiB" if goal else "",
        verdict=at_most(goal, single(found)) if goal else "",
    )


def kept(what: str, before: Usage, after: Usage, watchers: int, *, goal: bool = False) -> Figure:
    """Threads and database connections of the whole process, and how many more for each watcher."""
    threads = (after.threads - before.threads) / max(1, watchers)
    connections = (after.connections - before.connections) / max(1, watchers)
    found = single(max(threads, connections))
    return Figure(
        what,
        f"{threads:.2f}, {connections:.2f}",
        f"in all {after.threads} and {after.connections}",
        goal="0" if goal else "",
        verdict=at_most(KEPT_GOAL, found) if goal else "",
    )


def page_shares(what: str, seconds: Sequence[float], goal: float | None = None) -> Figure:
    """How many pages came in time."""
    share = sum(each <= PAGE_LIMIT for each in seconds) / len(seconds)
    ordered = sorted(seconds)
    return Figure(
        what,
        f"{share:.1%}".replace("%", " %"),
        f"p50 {spell_seconds(percentile(ordered, 0.5))}, longest {spell_seconds(ordered[-1])}",
        goal=f"≥ {goal:.0%}".replace("%", " %") if goal else "",
        verdict=at_least(goal, single(share)) if goal else "",
    )


@dataclass(frozen=True)
class Rate:
    """How many came, and what they cost the web process."""

    count: int
    cost: Cost


def rate(what: str, found: Sequence[Rate], goal: float | None = None) -> Figure:
    """So many a second; beside it what it would be with a core of its own, and with a machine at its best."""
    by_clock = spread([each.count / each.cost.seconds for each in found])
    with_a_core = median(1 / each.cost.cpu_for(each.count).high for each in found)
    at_best = median(1 / each.cost.cpu_for(each.count).low for each in found)
    return Figure(
        what,
        f"{by_clock.median:,.0f} a second",
        f"with a core of its own {with_a_core:,.0f}",
        f"{by_clock.median:,.0f} to {at_best:,.0f}",
        f"≥ {goal:,.0f}" if goal else "",
        at_least(goal, Spread(by_clock.low, with_a_core, max(at_best, by_clock.low))) if goal else "",
    )
