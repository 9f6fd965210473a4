"""Measuring contenders in turns, so that whatever else the machine does meets all of them alike."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TypeVar

__all__ = ["Sample", "Spread", "Stopwatch", "interleave", "median_wall", "ratios", "spread"]

T = TypeVar("T")


@dataclass(frozen=True)
class Sample:
    """Seconds by the clock, and seconds of this process's CPU (all its threads)."""

    wall: float
    cpu: float


class Stopwatch:
    """Times a `with` block."""

    def __enter__(self) -> "Stopwatch":
        self.began = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.sample = Sample(time.perf_counter() - self.began[0], time.process_time() - self.began[1])


def interleave(rounds: int, contenders: Mapping[str, Callable[[], T]]) -> dict[str, list[T]]:
    """Each contender once a round, there and back again (A B, B A, …), so that none always follows the same one."""
    samples: dict[str, list[T]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in list(contenders)[:: 1 if number % 2 == 0 else -1]:
            samples[name].append(contenders[name]())
    return samples


@dataclass(frozen=True)
class Spread:
    """The median of the rounds, and the quartiles around it: half of the rounds lie between them."""

    low: float
    median: float
    high: float


def spread(values: Sequence[float]) -> Spread:
    """The quartiles of these values."""
    if len(values) == 1:
        return Spread(values[0], values[0], values[0])
    low, middle, high = quantiles(values, n=4, method="inclusive")
    return Spread(low, middle, high)


def ratios(mine: Sequence[Sample], reference: Sequence[Sample]) -> Spread:
    """Seconds by the clock over the reference's in the same round."""
    return spread([one.wall / other.wall for one, other in zip(mine, reference, strict=True)])


def median_wall(samples: Sequence[Sample]) -> float:
    """The median of the seconds by the clock."""
    return median(sample.wall for sample in samples)
