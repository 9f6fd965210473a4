"""How long a change takes to its watchers when the hub only asks, and when NOTIFY or a Valkey wakes it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

from benchmarks.live.audience import audience
from benchmarks.live.figures.watching import COMMIT_GOAL, LASTING
from benchmarks.live.publisher import Publisher, channels
from benchmarks.live.site import Site
from benchmarks.live.sizes import Size
from benchmarks.live.spelling import cpu_of, delay, statements
from benchmarks.table import Figure
from headway.wakeups import channel
from servers.valkey import Valkey

__all__ = ["waking"]

NOTIFY_GOAL = 0.100  # s, 99th percentile


def waking(size: Size) -> Iterator[Figure]:
    """The same crowd, on a web process of its own for each way."""
    watchers, runs = size.woken
    found = channels(runs)
    with Valkey() as valkey:
        ways = {"polling alone": ("off", COMMIT_GOAL), "woken by Valkey": (valkey.url, None)}
        if connection.vendor == "postgresql":
            ways["woken by NOTIFY"] = ("", NOTIFY_GOAL)
        for way, (wake_ups, goal) in ways.items():
            who = f"{watchers:,} of {runs} runs, {way}"
            with telling(wake_ups), Site(LASTING, wake_ups) as site, audience(site, found) as crowd:
                crowd.warm_up()
                crowd.open(watchers)
                with Publisher(crowd.channels) as publisher:
                    time.sleep(size.settle)
                    heard = crowd.listen(size.window)
                arrivals = crowd.arrivals()
                window = heard.window
                yield delay(f"{who}: commit to client", crowd.delays(publisher.changes, arrivals, window), window, goal)
                yield cpu_of(
                    f"{who}: CPU for 1,000 messages", heard.cost, arrivals.within(window.begin, window.end), None
                )
                yield statements(f"{who}: statements", heard.cost)


@contextmanager
def telling(wake_ups: str) -> Iterator[None]:
    """This process, which writes the checkpoints, tells of them so."""
    before = settings.HEADWAY
    settings.HEADWAY = before | {"WAKE_UPS": wake_ups}
    channel.cache_clear()
    try:
        yield
    finally:
        settings.HEADWAY = before
        channel.cache_clear()
