"""SIGTERM while many watch: how soon the process is gone, what watchers are told, and when all are back."""

import time
from collections.abc import Iterator

from benchmarks.live.audience import audience, until
from benchmarks.live.publisher import Publisher, channels
from benchmarks.live.site import Site
from benchmarks.live.sizes import Size
from benchmarks.live.spelling import single
from benchmarks.table import Figure, at_most, spell_seconds

__all__ = ["shutdown"]

GONE_GOAL = 2.0  # s
BACK_GOAL = 3.0  # s


def shutdown(size: Size) -> Iterator[Figure]:
    """The next process starts as soon as the old one is gone, at the same port; the streams come back by themselves."""
    who = f"SIGTERM with {size.streams:,} streams"
    with Site() as site, audience(site, channels(1)) as crowd, Publisher(crowd.channels):
        crowd.open(size.streams)
        time.sleep(size.settle)
        told = time.monotonic()
        site.web.stop()
        gone = time.monotonic()
        faults = len(site.faults())
        site.web.start()
        ready = time.monotonic()
        until(lambda: crowd.went().watching == size.streams)
        went = crowd.went()
        back = sorted(moment for moment in went.back if moment > told)
        yield Figure(
            f"{who}: gone",
            spell_seconds(gone - told),
            goal=f"≤ {spell_seconds(GONE_GOAL)}",
            verdict=at_most(GONE_GOAL, single(gone - told)),
        )
        yield Figure(
            f"{who}: told to come back",
            f"{went.rotated:,}",
            f"cut without a word {went.cut:,}",
            goal=f"{size.streams:,}",
            verdict=at_most(0, single(size.streams - went.rotated)),
        )
        yield Figure(f"{who}: errors in the log", str(faults), goal="0", verdict=at_most(0, single(faults)))
        returned = len(back) == size.streams
        took = back[-1] - told if returned else float("inf")
        yield Figure(
            f"{who}: all back",
            spell_seconds(took) if returned else f"{len(back):,} of {size.streams:,}",
            f"of it, the next process until it answers {spell_seconds(ready - gone)}",
            goal=f"≤ {spell_seconds(BACK_GOAL)}",
            verdict=at_most(BACK_GOAL, single(took)),
        )
