"""The arithmetic of progress: counts, percent, rate, time left. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .machine import Event

__all__ = ["Counts", "Marks", "eta_seconds", "keep_pace", "percent", "rate", "summed"]

MARK_EVERY_MS = 10_000  # so that two marks span 10 to 20 s: "the last 20 s or so"
ETA_AFTER_ITEMS = 20
ETA_AFTER_PERCENT = 1.0
ETA_AFTER_MS = 5_000

MOST_CODES = 100  # told apart; an operation that makes up a code for each item must not make its part grow
OTHER_CODES = "other"

Marks = Sequence[Sequence[int]]
"""At most two [database ms, items processed by then], the older first."""


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

    @classmethod
    def over(cls, parts: Iterable[Counts]) -> Counts:
        """The sum over parts."""
        return sum(parts, cls())


def percent(processed: int, total: int | None, *, done: bool) -> float | None:
    """Rounded down to a tenth; None while the total is unknown; 100 only for a run that is done."""
    if done and processed == total:
        return 100.0
    if not total:
        return None
    return min(processed * 1000 // total / 10, 100.0 if done else 99.9)


def keep_pace(marks: Marks, now_ms: int, processed: int) -> list[list[int]]:
    """The marks, with a new one when the newest is old enough."""
    if marks and now_ms - marks[-1][0] < MARK_EVERY_MS:
        return [list(mark) for mark in marks]
    return [*(list(mark) for mark in marks[-1:]), [now_ms, processed]]


def rate(marks: Marks, now_ms: int, processed: int) -> float | None:
    """Items per second since the older mark, or None while that means nothing."""
    if not marks or now_ms <= marks[0][0]:
        return None
    return max(0, processed - marks[0][1]) * 1000 / (now_ms - marks[0][0])


def eta_seconds(counts: Counts, total: int | None, rate: float | None, worked_ms: int) -> int | None:
    """Seconds that are left at this rate, or None until they mean something: at least 5 s, 20 items and 1 %."""
    done = percent(counts.processed, total, done=False)
    if not rate or total is None or done is None or done < ETA_AFTER_PERCENT:
        return None
    if counts.processed < ETA_AFTER_ITEMS or worked_ms < ETA_AFTER_MS:
        return None
    return round(max(0, total - counts.processed) / rate)


def summed(*counts: Mapping[str, int]) -> dict[str, int]:
    """How many by each code, the most frequent first; where there are too many codes, the later ones are one."""
    summary: dict[str, int] = {}
    for each in counts:
        for code, count in each.items():
            known = code if code in summary or len(summary) < MOST_CODES else OTHER_CODES
            summary[known] = summary.get(known, 0) + count
    return dict(sorted(summary.items(), key=lambda entry: (-entry[1], entry[0])))
