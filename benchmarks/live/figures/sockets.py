"""WebSockets: what a watcher costs there, without compression and with the one that browsers ask for."""

from collections.abc import Iterator

from benchmarks.live.audience import audience
from benchmarks.live.load.clients import CompressedSocket, Socket
from benchmarks.live.publisher import Channel, Publisher, channels
from benchmarks.live.site import Site
from benchmarks.live.sizes import Size
from benchmarks.live.spelling import cpu_of, delay, kept, memory
from benchmarks.table import Figure

__all__ = ["sockets"]

MEMORY_GOAL = 24.0  # KiB
KINDS: dict[str, type] = {"WebSockets": Socket, "WebSockets, compressed": CompressedSocket}


def path(channel: Channel) -> str:
    return f"/ws/runs/{channel.run_id}/"


def sockets(size: Size) -> Iterator[Figure]:
    """Each kind on a web process of its own."""
    found = channels(1)
    for name, kind in KINDS.items():
        who = f"{size.sockets:,} {name} of one run"
        with Site() as site, audience(site, found, path) as crowd:
            crowd.warm_up(kind)
            resting = site.usage()
            crowd.open(size.sockets, kind)
            with Publisher(found) as publisher:
                crowd.listen(size.settle)
                span = crowd.listen(size.window)
            arrivals = crowd.arrivals()
            told = crowd.delays(publisher.changes, arrivals, span.window)
            yield delay(f"{who}: commit to client", told, span.window)
            messages = arrivals.within(span.window.begin, span.window.end)
            yield cpu_of(f"{who}: CPU for 1,000 messages", span.cost, messages)
            yield memory(f"{who}: memory a watcher", span.after.memory - resting.memory, size.sockets, MEMORY_GOAL)
            yield kept(f"{who}: threads and connections a watcher", resting, span.after, size.sockets, goal=True)
