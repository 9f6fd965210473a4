"""The arithmetic of progress: counts, percent, rate, time left. Values in, values out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .machine import Event

CLOSEST_MS = 10_000  # between a mark's neighbours; in between, an even pace is assumed
LATELY_MS = 20_000  # what a rate covers
LONGEST_MS = 600_000  # what an estimate covers at most: half of what has passed, up to ten minutes
OLDEST_MS = 2 * LONGEST_MS
ANCHOR_GROWTH = 1.15  # an estimate is made anew when so much more time has passed; meanwhile it counts down
ANCHOR_ERROR = 1.3  # and sooner when it is this far from what would be estimated now
ETA_AFTER_ITEMS = 20
ETA_AFTER_PERCENT = 1.0
ETA_AFTER_MS = 5_000

MOST_CODES = 100  # told apart; an operation that makes up a code for each item must not make its part grow
OTHER_CODES = "other"

Marks = Sequence[Sequence[int]]
"""[database ms, items processed by then], the oldest first, the last checkpoint last; the older, the wider apart."""


@dataclass(frozen=True)
class Counts:
    """How many items have ended, and how."""

    succeeded: int = 0
    failed: int = 0
    skipped: int = 0

    @property
    def processed(self) -> int:
        """All that have ended."""
        return self.succeeded + self.failed + self.skipped

    @property
    def finish(self) -> Event:
        """How a run with these counts ends once no part is left."""
        if not self.failed:
            return Event.FINISH_CLEAN
        return Event.FINISH_SOME_FAILED if self.succeeded else Event.FINISH_ALL_FAILED

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.succeeded + other.succeeded, self.failed + other.failed, self.skipped + other.skipped)


def percent(processed: float, total: float | None, *, done: bool) -> float | None:
    """Rounded down to a tenth; None while the total is unknown; 100 only for a run that is done."""
    if done and processed == total:
        return 100.0
    if not total:
        return None
    return min(processed * 1000 // total / 10, 100.0 if done else 99.9)


def keep_pace(marks: Marks, now_ms: int, processed: int) -> list[list[int]]:
    """The marks with one for now: about a dozen, however long it takes."""
    kept = [list(mark) for mark in marks if mark[0] < now_ms]  # a clock that was set back leaves none in the future
    while len(kept) > 1 and kept[1][0] < now_ms - OLDEST_MS:
        del kept[0]
    kept.append([now_ms, processed])
    for place in reversed(range(1, len(kept) - 1)):
        before, after = kept[place - 1][0], kept[place + 1][0]
        if after - before <= max(CLOSEST_MS, now_ms - after):
            del kept[place]
    return kept


def rate(parts: Sequence[Marks], now_ms: int, interval_ms: int = 0) -> float | None:
    """Items per second over the last 20 s, of all parts together, or None while that means nothing.

    Over three intervals, if that is longer, where an item may begin only every so often.
    """
    began = beginning(parts)
    if began is None or now_ms <= began:
        return None
    return pace_between(parts, max(began, now_ms - max(LATELY_MS, 3 * interval_ms)), now_ms)


def eta_seconds(parts: Sequence[Marks], now_ms: int, counts: Counts, total: int | None) -> int | None:
    """Seconds that are left, or None until they mean something: at least 5 s, 20 items and 1 %.

    Half of what has passed says how fast it goes on. An estimate is kept for a while and counts down, so that it
    doesn't waver.
    """
    began, done = beginning(parts), percent(counts.processed, total, done=False)
    if began is None or total is None or done is None or done < ETA_AFTER_PERCENT:
        return None
    if counts.processed < ETA_AFTER_ITEMS or now_ms - began < ETA_AFTER_MS or counts.processed >= total:
        return None
    marked = total - counts.processed + processed_at(parts, now_ms)  # a part that was just taken over has no marks
    fresh = end_estimated(parts, now_ms, began, marked)
    if fresh is None:
        return None
    anchored = end_estimated(parts, anchor(began, now_ms), began, marked)
    left, kept = fresh - now_ms, (anchored or 0) - now_ms
    steady = kept > 0 and left / ANCHOR_ERROR <= kept <= left * ANCHOR_ERROR
    return max(1, round((kept if steady else left) / 1000))


def end_estimated(parts: Sequence[Marks], at_ms: float, began: int, total: float) -> float | None:
    """When the marks will be at this total (database ms), by what was known at a moment; None where nothing moved."""
    speed = pace_between(parts, max((began + at_ms) / 2, at_ms - LONGEST_MS), at_ms)
    return at_ms + (total - processed_at(parts, at_ms)) * 1000 / speed if speed else None


def anchor(began: int, now_ms: int) -> float:
    """The last moment at which an estimate was to be made: 5 s after the beginning, and ever more rarely since."""
    at = float(ETA_AFTER_MS)
    while at * ANCHOR_GROWTH <= now_ms - began:
        at *= ANCHOR_GROWTH
    return began + at


def beginning(parts: Sequence[Marks]) -> int | None:
    """The oldest mark's moment; None where there is none yet."""
    return min((marks[0][0] for marks in parts if marks), default=None)


def pace_between(parts: Sequence[Marks], since_ms: float, until_ms: float) -> float:
    """Items per second that all parts together have done between two moments."""
    done = processed_at(parts, until_ms) - processed_at(parts, since_ms)
    return max(0.0, done) * 1000 / (until_ms - since_ms)


def processed_at(parts: Sequence[Marks], at_ms: float) -> float:
    """How many items all parts together had processed at a moment."""
    return sum(of_part(marks, at_ms) for marks in parts if marks)


def of_part(marks: Marks, at_ms: float) -> float:
    """How many of a part; before its first mark as many as by then, since it isn't known when they were done."""
    if at_ms <= marks[0][0]:
        return marks[0][1]
    for (since, before), (until, after) in pairwise(marks):
        if at_ms <= until:
            return before + (after - before) * (at_ms - since) / (until - since)
    return marks[-1][1]


def summed(*counts: Mapping[str, int]) -> dict[str, int]:
    """How many by each code, the most frequent first; where there are too many codes, the later ones are one."""
    summary: dict[str, int] = {}
    for each in counts:
        for code, count in each.items():
            known = code if code in summary or len(summary) < MOST_CODES else OTHER_CODES
            summary[known] = summary.get(known, 0) + count
    return dict(sorted(summary.items(), key=lambda entry: (-entry[1], entry[0])))
