"""Measuring contenders in turns, so that whatever else the machine does meets all of them alike."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from statistics import median

__all__ = ["Sample", "Samples", "Stopwatch", "interleave"]


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


class Samples:
    """What each contender took, round by round."""

    def __init__(self, by_name: Mapping[str, list[Sample]]) -> None:
        self.by_name = by_name

    def wall(self, name: str) -> float:
        """The median of a contender's seconds by the clock."""
        return median(sample.wall for sample in self.by_name[name])

    def ratio(self, name: str, reference: str) -> float:
        """The median over the rounds of (its seconds / the reference's in the same round), by the clock."""
        return median(mine.wall / other.wall for mine, other in self.pairs(name, reference))

    def cpu_ratio(self, name: str, reference: str) -> float:
        """The same in CPU time."""
        return median(mine.cpu / other.cpu for mine, other in self.pairs(name, reference))

    def pairs(self, name: str, reference: str) -> Iterator[tuple[Sample, Sample]]:
        return zip(self.by_name[name], self.by_name[reference], strict=True)


def interleave(rounds: int, contenders: Mapping[str, Callable[[], Sample]]) -> Samples:
    """Each contender once a round, there and back again (A B, B A, …), so that none always follows the same one."""
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    for number in range(rounds):
        for name in list(contenders)[:: 1 if number % 2 == 0 else -1]:
            samples[name].append(contenders[name]())
    return Samples(samples)
