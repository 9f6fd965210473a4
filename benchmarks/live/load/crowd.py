"""Those who watch from one process, and what they have heard when."""

import asyncio
import gc
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Any

__all__ = ["Arrivals", "Crowd", "Opened", "Request", "Went"]

OPENING_PATIENCE = 20.0  # s for one
OPENING_BUDGET = 40.0  # s for all; who hasn't begun by then stays away, so that a slow machine ends in time too


@dataclass(frozen=True)
class Request:
    """What to ask for, and as whom."""

    path: str
    cookie: str


@dataclass
class Arrivals:
    """One entry for each message: who got it, when, and the revision that it tells."""

    watchers: "array[int]" = field(default_factory=lambda: array("i"))
    moments: "array[float]" = field(default_factory=lambda: array("d"))
    revisions: "array[int]" = field(default_factory=lambda: array("q"))

    def within(self, begin: float, end: float) -> int:
        """How many came between these moments."""
        return sum(begin <= moment < end for moment in self.moments)


@dataclass(frozen=True)
class Opened:
    """How opening went."""

    seconds: float
    count: int
    refused: int
    waits: list[float]


@dataclass(frozen=True)
class Went:
    """What has become of the watchers since they opened."""

    told: int  # how many were told to come back, once or more often
    rotations: Counter[str]  # how often somebody was, by the reason
    refusals: Counter[str]  # how often somebody was refused, by the status
    cut: int  # how often somebody lost their connection without a word
    last_back: float  # the moment when the last one was there again
    watching: int


class Crowd:
    """The clients of this process; they report here."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.loop = asyncio.get_running_loop()
        self.forget()
        gc.disable()  # a collection would look like a slow server; all this lives for a minute or two

    def forget(self) -> None:
        """Begin anew."""
        self.clients: list[Any] = []
        self.arrivals = Arrivals()
        self.told: set[int] = set()
        self.rotations: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.cut = self.watching = 0
        self.last_back = 0.0

    def note(self, watcher: int, moment: float, revision: int) -> None:
        """A message has arrived."""
        self.arrivals.watchers.append(watcher)
        self.arrivals.moments.append(moment)
        self.arrivals.revisions.append(revision)

    async def connect(self, client: asyncio.Protocol) -> None:
        """Raises OSError."""
        await self.loop.create_connection(lambda: client, "127.0.0.1", self.port)

    async def open(self, kind: type, requests: Sequence[Request], at_once: int, over: float) -> Opened:
        """Open these, so many at a time at most, spread over so many seconds; the first message makes one open.

        A refusal, too long a wait and coming too late all count as refused.
        """
        gate = asyncio.Semaphore(at_once)
        waits: list[float] = []
        self.clients = clients = [kind(self, number, request) for number, request in enumerate(requests)]

        async def open_one(client: Any) -> None:
            await asyncio.sleep(over * client.number / len(clients))
            async with gate:
                began = monotonic()
                if began > last_call:
                    return
                try:
                    async with asyncio.timeout(OPENING_PATIENCE):
                        await client.open()
                except (OSError, TimeoutError, ConnectionRefusedError):
                    return
                waits.append(monotonic() - began)

        began = monotonic()
        last_call = began + OPENING_BUDGET + over
        await asyncio.gather(*(open_one(client) for client in clients))
        return Opened(monotonic() - began, len(waits), len(clients) - len(waits), waits)

    def quiet_for(self) -> float:
        """Seconds since the last message."""
        return monotonic() - self.arrivals.moments[-1] if self.arrivals.moments else inf

    def heard(self) -> Arrivals:
        return self.arrivals

    def went(self) -> Went:
        return Went(len(self.told), self.rotations, self.refusals, self.cut, self.last_back, self.watching)

    def close(self) -> None:
        """Let go of the connections, and forget what has been heard."""
        for client in self.clients:
            client.leave()
        self.forget()
