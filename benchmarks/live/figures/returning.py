"""Watchers for longer than a stream lives: each stream is ended by the server and comes back, one after the other."""

import time
from collections import Counter
from collections.abc import Iterator

from benchmarks.live.audience import audience
from benchmarks.live.publisher import Publisher, channels
from benchmarks.live.site import Site
from benchmarks.live.sizes import Size
from benchmarks.live.spelling import cpu_of, delay
from benchmarks.table import Figure

from .watching import COMMIT_GOAL

__all__ = ["returning"]


def returning(size: Size) -> Iterator[Figure]:
    """Opened as evenly as they will come back, and measured while they do."""
    watchers, runs = size.crowds[-1]
    with Site() as site, audience(site, channels(runs)) as crowd:
        crowd.warm_up()
        crowd.open(watchers, over=size.life)
        with Publisher(crowd.channels) as publisher:
            time.sleep(size.settle)
            before = crowd.went()
            span = crowd.listen(2 * size.window)
            after = crowd.went()
        arrivals = crowd.arrivals()
    rotations, refusals = after.rotations - before.rotations, after.refusals - before.refusals
    who = f"{watchers:,} of {runs} runs, while {rotations.total() / span.window.seconds:.0f} a second come back"
    told = crowd.delays(publisher.changes, arrivals, span.window)
    yield delay(f"{who}: commit to client", told, span.window, COMMIT_GOAL)
    yield Figure(f"{who}: why they left", spell(rotations), f"refused: {spell(refusals)}")
    messages = arrivals.within(span.window.begin, span.window.end)
    yield cpu_of(f"{who}: CPU for 1,000 messages", span.cost, messages)


def spell(counted: Counter[str]) -> str:
    """Such as "lifetime 1,404"."""
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counted.items())) or "none"
