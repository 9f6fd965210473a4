"""From a change to those who heard of it. Pure arithmetic on moments of one clock, `time.monotonic`."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf

from benchmarks.interleave import Spread, spread

from .load.crowd import Arrivals

__all__ = ["Change", "Delays", "Window", "delays", "percentile"]

SLICES = 4  # of a window, by which it is seen how steady a percentile is


@dataclass(frozen=True)
class Window:
    """From when to when was measured."""

    begin: float
    end: float

    def holds(self, moment: float) -> bool:
        return self.begin <= moment < self.end

    @property
    def seconds(self) -> float:
        return self.end - self.begin


@dataclass(frozen=True)
class Change:
    """A run has reached a revision."""

    run: int
    revision: int
    at: float


@dataclass(frozen=True)
class Delays:
    """How long each watcher of each change had to wait to hear of it, or of a newer one."""

    found: list[tuple[float, float]]  # when it changed, and how long it took
    missing: int  # how many never heard

    def percentile(self, share: float) -> float:
        return percentile(sorted(delay for _, delay in self.found), share)

    def percentiles(self, share: float, window: Window) -> Spread:
        """The same for each slice of the window."""
        marks = [window.begin + window.seconds * number / SLICES for number in range(SLICES + 1)]
        slices = (sorted(delay for at, delay in self.found if a <= at < b) for a, b in pairwise(marks))
        return spread([percentile(each, share) for each in slices if each] or [inf])


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that so large a share doesn't exceed; endless where nothing came at all."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else inf


def delays(changes: Iterable[Change], arrivals: Arrivals, runs: Sequence[int], window: Window) -> Delays:
    """`runs` says which run each watcher watches. What was so when a watcher first heard of it isn't counted."""
    of_run: dict[int, list[Change]] = {}
    for change in changes:
        of_run.setdefault(change.run, []).append(change)
    next_of: dict[int, int] = {}  # each watcher's place in its run's changes
    found: list[tuple[float, float]] = []
    for watcher, at, revision in zip(arrivals.watchers, arrivals.moments, arrivals.revisions, strict=True):
        theirs = of_run.get(runs[watcher], [])
        if watcher not in next_of:
            next_of[watcher] = bisect_left(theirs, revision + 1, key=lambda change: change.revision)
        place = next_of[watcher]
        while place < len(theirs) and theirs[place].revision <= revision:
            if window.holds(theirs[place].at):
                found.append((theirs[place].at, at - theirs[place].at))
            place += 1
        next_of[watcher] = place
    missing = sum(
        window.holds(change.at)
        for watcher, place in next_of.items()
        for change in of_run.get(runs[watcher], [])[place:]
    )
    return Delays(found, missing)
