"""A crowd in front of a site: opened, listened to, and counted. What the figures of all transports have in common."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from .latency import Change, Delays, Window, delays
from .load.clients import Stream
from .load.crowd import Arrivals, Crowd, Opened, Request, Went
from .load.process import LoadProcess
from .people import cookies
from .publisher import Channel
from .site import Cost, Site, Usage

__all__ = ["Audience", "Span", "audience", "events", "until"]

AT_ONCE = 64  # openings under way
WARM_UP = 8
QUIET = 0.6  # s without a message, after which nothing is on its way: longer than whoever asks twice a second waits
LATE = 3.0  # s; longer isn't waited, since those who come back hear something all the time
PATIENCE = 60.0  # s
Path = Callable[[Channel], str]


def events(channel: Channel) -> str:
    """Where Headway streams a run."""
    return f"/api/runs/{channel.run_id}/events/"


@dataclass(frozen=True)
class Span:
    """A stretch of time, and what the site used in it."""

    window: Window
    cost: Cost
    after: Usage


class Audience:
    """Watchers of these runs, on one site, in one process of clients."""

    def __init__(self, site: Site, load: LoadProcess, channels: Sequence[Channel], path: Path) -> None:
        self.site, self.load, self.channels, self.path = site, load, channels, path
        self.runs: list[int] = []
        self.requests: list[Request] = []

    def warm_up(self, kind: type = Stream) -> None:
        """Let the site load what it loads only once, whoever watches."""
        self.open(WARM_UP, kind)
        self.close()

    def open(self, count: int, kind: type = Stream, over: float = 0.0) -> Opened:
        """So many watchers with sessions of their own that nobody has used, spread over the runs.

        As fast as it goes, or evenly within `over` seconds.
        """
        self.runs = [number % len(self.channels) for number in range(count)]
        random.shuffle(self.runs)
        self.requests = [
            Request(self.path(self.channels[run]), cookie)
            for run, cookie in zip(self.runs, cookies(count), strict=True)
        ]
        return self.open_again(kind, over)

    def open_again(self, kind: type = Stream, over: float = 0.0) -> Opened:
        """The same people."""
        opened: Opened = self.load.ask(Crowd.open, kind, self.requests, AT_ONCE, over)
        return opened

    def close(self) -> None:
        """Let all go."""
        self.load.ask(Crowd.close)

    def listen(self, seconds: float) -> "Span":
        """Measure for so long what the site uses."""
        before = self.site.usage()
        began = time.monotonic()
        time.sleep(seconds)
        window = Window(began, time.monotonic())
        after = self.site.usage()
        return Span(window, after.since(before), after)

    def went(self) -> Went:
        went: Went = self.load.ask(Crowd.went)
        return went

    def arrivals(self) -> Arrivals:
        """All that has been heard, once nothing more comes."""
        give_up = time.monotonic() + LATE
        while time.monotonic() < give_up and self.load.ask(Crowd.quiet_for) < QUIET:
            time.sleep(QUIET / 5)
        arrivals: Arrivals = self.load.ask(Crowd.heard)
        return arrivals

    def delays(self, changes: Sequence[Change], arrivals: Arrivals, window: Window) -> Delays:
        return delays(changes, arrivals, self.runs, window)


@contextmanager
def audience(site: Site, channels: Sequence[Channel], path: Path = events) -> Iterator[Audience]:
    """An audience on a site that runs, with a process of clients of its own."""
    with LoadProcess(site.port) as load:
        yield Audience(site, load, channels, path)


def until(condition: Callable[[], bool]) -> bool:
    """Whether it came true in time; asked ten times a second."""
    give_up = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.1)
    return True
