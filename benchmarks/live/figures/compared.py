"""Headway beside Django's own async views, with as many watchers of one run as these bear."""

from collections.abc import Iterator

from django.db import connection

from benchmarks.live.audience import Audience, Path, audience, events
from benchmarks.live.load.askers import visit
from benchmarks.live.load.crowd import Request
from benchmarks.live.load.process import LoadProcess
from benchmarks.live.people import cookies
from benchmarks.live.publisher import Publisher, channels
from benchmarks.live.site import Site
from benchmarks.live.sizes import Size
from benchmarks.live.spelling import cpu_of, delay, kept, memory, opening, page_shares, statements
from benchmarks.table import Figure

from .watching import LASTING

__all__ = ["compared"]

SPARE_CONNECTIONS = 50

CONTENDERS: dict[str, Path] = {
    "Headway": events,
    "Django view that asks": lambda channel: f"/reference/asking/{channel.run_id}/",
    "Django view with an Event": lambda channel: f"/reference/told/{channel.run_id}/",
}


def compared(size: Size) -> Iterator[Figure]:
    """Each on a web process of its own, with the same run and the same changes."""
    found, watchers = channels(1), min(size.compared, bearable())
    for name, path in CONTENDERS.items():
        with Site(LASTING) as site, audience(site, found, path) as crowd:
            yield from one_contender(f"{watchers} of one run, {name}", size, crowd, watchers)


def bearable() -> int:
    """How many watchers may have a connection of their own, and leave some for all others."""
    if connection.vendor != "postgresql":
        return 1_000
    with connection.cursor() as cursor:
        cursor.execute("SHOW max_connections")
        return int(cursor.fetchone()[0]) - SPARE_CONNECTIONS


def one_contender(who: str, size: Size, crowd: Audience, watchers: int) -> Iterator[Figure]:
    """No goals: these rows are to be read beside each other."""
    crowd.warm_up()
    resting = crowd.site.usage()
    opened = crowd.open(watchers)
    yield opening(f"{who}: opening", opened, crowd.site.usage().since(resting))
    with Publisher(crowd.channels) as publisher, LoadProcess(crowd.site.port) as visitors:
        visitors.begin(visit, Request("/page/", cookies(1)[0]), size.pages, size.window)
        busy = crowd.listen(size.window)
        pages = visitors.result()
    arrivals = crowd.arrivals()
    yield delay(f"{who}: commit to client", crowd.delays(publisher.changes, arrivals, busy.window), busy.window)
    messages = arrivals.within(busy.window.begin, busy.window.end)
    yield cpu_of(f"{who}: CPU for 1,000 messages, pages included", busy.cost, messages)
    yield statements(f"{who}: statements", busy.cost)
    yield memory(f"{who}: memory a watcher", busy.after.memory - resting.memory, opened.count)
    yield kept(f"{who}: threads and connections a watcher", resting, busy.after, opened.count)
    yield page_shares(f"{who}: a page meanwhile, within 100 ms", pages)
