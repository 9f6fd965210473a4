"""Watchers of one run and of many: openings, delays, CPU, statements, memory, and other pages meanwhile."""

import time
from collections.abc import Iterator

from benchmarks.live.audience import Audience, audience
from benchmarks.live.latency import Window
from benchmarks.live.load.askers import visit
from benchmarks.live.load.crowd import Request
from benchmarks.live.load.process import LoadProcess
from benchmarks.live.people import cookies
from benchmarks.live.publisher import Publisher, channels
from benchmarks.live.site import Site
from benchmarks.live.sizes import Size
from benchmarks.live.spelling import cpu_of, delay, kept, memory, opening, page_shares, statements
from benchmarks.table import Figure

__all__ = ["COMMIT_GOAL", "LASTING", "watching"]

COMMIT_GOAL = 0.250  # s, 99th percentile
PUBLISH_GOALS = {1_000: 0.050, 5_000: 0.150}  # s, of one run
MEMORY_GOAL = 16.0  # KiB
CPU_GOALS = {5_000: 0.025}  # s for 1,000 messages
OPENING_GOAL = 0.002  # s of CPU
LASTING = 600.0  # s; streams that come back are a figure of their own (returning.py)
PAGE_GOALS = {1_000: 0.99, 5_000: 0.95}


def watching(size: Size) -> Iterator[Figure]:
    """Each crowd on a web process of its own."""
    found = channels(max(runs for _, runs in size.crowds))
    for watchers, runs in size.crowds:
        with Site(LASTING) as site, audience(site, found[:runs]) as crowd:
            yield from one_crowd(size, crowd, watchers)


def one_crowd(size: Size, crowd: Audience, watchers: int) -> Iterator[Figure]:
    """Open, then listen: first with nothing else to do, then while pages are asked for."""
    runs = len(crowd.channels)
    who = f"{watchers:,} of {'one run' if runs == 1 else f'{runs} runs'}"
    crowd.warm_up()
    resting = crowd.site.usage()
    opened = crowd.open(watchers)
    yield opening(f"{who}: opening, session and middleware", opened, crowd.site.usage().since(resting), OPENING_GOAL)
    with Publisher(crowd.channels) as publisher:
        time.sleep(size.settle)
        quiet = crowd.listen(size.window)
        with LoadProcess(crowd.site.port) as visitors:
            visitors.begin(visit, Request("/page/", cookies(1)[0]), size.pages, size.window)
            busy = crowd.listen(size.window)
            pages = visitors.result()
    arrivals = crowd.arrivals()
    published = crowd.site.published([str(channel.run_id) for channel in crowd.channels])
    both = Window(quiet.window.begin, busy.window.end)
    yield delay(f"{who}: commit to client", crowd.delays(publisher.changes, arrivals, both), both, COMMIT_GOAL)
    goal = PUBLISH_GOALS.get(watchers) if runs == 1 else None
    yield delay(f"{who}: hub to client", crowd.delays(published, arrivals, both), both, goal)
    messages = arrivals.within(quiet.window.begin, quiet.window.end)
    yield cpu_of(f"{who}: CPU for 1,000 messages", quiet.cost, messages, CPU_GOALS.get(watchers))
    yield statements(f"{who}: statements", quiet.cost)
    yield memory(f"{who}: memory a watcher", quiet.after.memory - resting.memory, opened.count, MEMORY_GOAL)
    yield kept(f"{who}: threads and connections a watcher", resting, quiet.after, opened.count, goal=True)
    yield page_shares(f"{who}: a page meanwhile, within 100 ms", pages, PAGE_GOALS.get(watchers))
