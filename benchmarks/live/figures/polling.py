"""Polls: short ones that have nothing new to hear, beside whole answers; and long ones."""

from collections import Counter
from collections.abc import Iterator
from functools import partial

from benchmarks.interleave import interleave
from benchmarks.live.audience import Audience, audience
from benchmarks.live.load.askers import answered, ask_on
from benchmarks.live.load.clients import LongPoll
from benchmarks.live.load.crowd import Request
from benchmarks.live.people import cookies
from benchmarks.live.publisher import Publisher, channels
from benchmarks.live.site import Site
from benchmarks.live.sizes import Size
from benchmarks.live.spelling import Rate, cpu_of, delay, rate
from benchmarks.table import Figure

__all__ = ["polls"]

UNCHANGED_GOAL = 20_000  # a second


def polls(size: Size) -> Iterator[Figure]:
    """On one web process."""
    found = channels(1)
    with Site() as site, audience(site, found, lambda channel: f"/api/runs/{channel.run_id}/wait/") as crowd:
        yield from short_polls(size, crowd)
        yield from long_polls(size, crowd)


def short_polls(size: Size, crowd: Audience) -> Iterator[Figure]:
    """As many as go, of a run that doesn't change; in turns with what Django answers, and an empty application."""
    run = f"/api/runs/{crowd.channels[0].run_id}/"
    rounds = interleave(
        size.rounds,
        {
            "page": partial(ask, size, crowd, "/page/", 200),
            "run": partial(ask, size, crowd, run, 200),
            "nothing": partial(ask, size, crowd, "/nothing/", 304),
            "memory": partial(ask, size, crowd, run, 304, conditional=True),
        },
    )
    yield rate("a small page from Django", rounds["page"])
    yield rate("short polls: 200 from Django", rounds["run"])
    yield rate("short polls: 304 from an empty ASGI application", rounds["nothing"])
    yield rate("short polls: 304 from memory", rounds["memory"], UNCHANGED_GOAL)


def ask(size: Size, crowd: Audience, path: str, status: int, *, conditional: bool = False) -> Rate:
    """How many answers came in a part of the window; all of them must have this status."""
    crowd.load.ask(ask_on, [Request(path, cookie) for cookie in cookies(size.pollers)], conditional)
    before = crowd.load.ask(answered)
    span = crowd.listen(size.window / 4)
    found: Counter[int] = crowd.load.ask(answered) - before
    crowd.close()
    assert found.keys() == {status}, f"{path} gave {found}, expected {status}"
    return Rate(found.total(), span.cost)


def long_polls(size: Size, crowd: Audience) -> Iterator[Figure]:
    """Each asks for what comes after its last answer, as soon as it has it."""
    who = f"{size.long_polls:,} long polls of one run"
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
