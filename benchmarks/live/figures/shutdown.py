"""SIGTERM while many watch: how soon the process is gone, what watchers are told, and when all are back."""

import time
from collections.abc import Iterator
from math import inf

from benchmarks.live.audience import Audience, until
from benchmarks.live.publisher import Publisher
from benchmarks.live.sizes import Size
from benchmarks.live.spelling import single
from benchmarks.table import Figure, at_most, spell_seconds

__all__ = ["shutdown"]

GONE_GOAL = 2.0  # s
BACK_GOAL = 3.0  # s


def shutdown(size: Size, crowd: Audience) -> Iterator[Figure]:
    """The next process starts as soon as the old one is gone, at the same port; the streams come back by themselves."""
    who, site = f"SIGTERM with {size.streams:,} streams", crowd.site
    with Publisher(crowd.channels):
        time.sleep(size.settle)
        began = time.monotonic()
        site.web.stop()
        gone = time.monotonic()
        site.web.start()
        ready = time.monotonic()
        returned = until(lambda: crowd.went().watching == size.streams)
    went = crowd.went()
    yield Figure(
        f"{who}: gone",
        spell_seconds(gone - began),
        goal=f"≤ {spell_seconds(GONE_GOAL)}",
        verdict=at_most(GONE_GOAL, single(gone - began)),
    )
    yield Figure(
        f"{who}: told to come back",
        f"{went.told:,}",
        f"cut without a word {went.cut:,}",
        goal=f"{size.streams:,}",
        verdict=at_most(0, single(size.streams - went.told)),
    )
    faults = len(site.faults())
    yield Figure(f"{who}: errors in the log", str(faults), goal="0", verdict=at_most(0, single(faults)))
    took = went.last_back - began if returned else inf
    yield Figure(
        f"{who}: all back",
        spell_seconds(took) if returned else f"{went.watching:,} of {size.streams:,}",
        f"of it, the next process until it answers {spell_seconds(ready - gone)}",
        goal=f"≤ {spell_seconds(BACK_GOAL)}",
        verdict=at_most(BACK_GOAL, single(took)),
    )
