"""Polls: short ones that have nothing new to hear, and long ones."""

from collections import Counter
from collections.abc import Iterator

from benchmarks.interleave import interleave
from benchmarks.live.audience import audience
from benchmarks.live.load.askers import answered, ask_on
from benchmarks.live.load.clients import LongPoll
from benchmarks.live.load.crowd import Request
from benchmarks.live.people import cookies
from benchmarks.live.publisher import Channel, Publisher, channels
from benchmarks.live.site import Site
from benchmarks.live.sizes import Size
from benchmarks.live.spelling import Rate, cpu_of, delay, rate
from benchmarks.table import Figure

__all__ = ["long_polls", "short_polls"]

UNCHANGED_GOAL = 20_000  # a second


def short_polls(size: Size) -> Iterator[Figure]:
    """As many as go, of a run that doesn't change: what Django answers, the hub's memory, and an empty application."""
    (channel,) = channels(1)
    run = f"/api/runs/{channel.run_id}/"
    people = cookies(size.pollers)
    with Site() as site, audience(site, [channel]) as crowd:

        def ask(path: str, status: int, conditional: bool) -> Rate:
            crowd.load.ask(ask_on, [Request(path, cookie) for cookie in people], conditional)
            before = crowd.load.ask(answered)
            span = crowd.listen(size.window / 4)
            found: Counter[int] = crowd.load.ask(answered) - before
            crowd.close()
            assert found.keys() == {status}, f"expected {status}, got {found}"
            return Rate(found.total(), span.cost)

        rounds = interleave(
            size.rounds,
            {
                "django": lambda: ask(run, 200, conditional=False),
                "nothing": lambda: ask("/nothing/", 304, conditional=False),
                "memory": lambda: ask(run, 304, conditional=True),
            },
        )
    yield rate("short polls: 200 from Django", rounds["django"])
    yield rate("short polls: 304 from an empty ASGI application", rounds["nothing"])
    yield rate("short polls: 304 from memory", rounds["memory"], UNCHANGED_GOAL)


def wait(channel: Channel) -> str:
    return f"/api/runs/{channel.run_id}/wait/"


def long_polls(size: Size) -> Iterator[Figure]:
    """Each asks for what comes after its last answer, as soon as it has it."""
    who = f"{size.long_polls:,} long polls of one run"
    with Site() as site, audience(site, channels(1), wait) as crowd:
        crowd.open(size.long_polls, LongPoll)
        with Publisher(crowd.channels) as publisher:
            crowd.listen(size.settle)
            span = crowd.listen(size.window)
        arrivals = crowd.arrivals()
        told = crowd.delays(publisher.changes, arrivals, span.window)
        yield delay(f"{who}: commit to client", told, span.window)
        answers = arrivals.within(span.window.begin, span.window.end)
        yield rate(f"{who}: answers", [Rate(answers, span.cost)])
        yield cpu_of(f"{who}: CPU for 1,000 answers", span.cost, answers)
