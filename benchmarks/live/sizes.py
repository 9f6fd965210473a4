"""How much is measured: all of it, or just enough to see that the benchmarks run."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["FULL", "QUICK", "Size"]


@dataclass(frozen=True)
class Size:
    """Watchers, seconds and rates of each figure."""

    crowds: Sequence[tuple[int, int]]
    """Watchers, and of how many runs."""

    life: float
    """Seconds within which the watchers open that are measured while they come back: a stream's life."""

    settle: float
    """Seconds between the openings and the first measurement, in which what the openings left to do is done."""

    window: float
    """Seconds that each measurement lasts."""

    pages: float
    """Plain pages a second, meanwhile."""

    compared: int
    """Watchers where Headway stands beside the plain views."""

    rounds: int
    """How often each kind of short poll is measured."""

    pollers: int
    """Connections that poll as fast as they can."""

    long_polls: int
    sockets: int
    streams: int
    """Open when the process is told to end."""

    @property
    def most(self) -> int:
        """Connections at once."""
        crowds = (watchers for watchers, _ in self.crowds)
        return max(self.long_polls, self.sockets, self.streams, *crowds)


FULL = Size(
    crowds=[(1_000, 1), (1_000, 50), (5_000, 1), (5_000, 50)],
    life=45.0,
    settle=2.0,
    window=5.0,
    pages=20.0,
    compared=300,
    rounds=3,
    pollers=64,
    long_polls=1_000,
    sockets=1_000,
    streams=1_000,
)

QUICK = Size(
    crowds=[(60, 5)],
    life=1.0,
    settle=0.2,
    window=2.0,  # a publisher on a busy machine writes nothing for a second
    pages=10.0,
    compared=20,
    rounds=1,
    pollers=8,
    long_polls=30,
    sockets=30,
    streams=50,
)
