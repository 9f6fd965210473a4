"""The hub is woken by what other processes tell, and hears everything without it: only later."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from django.db import connection

from headway.live.hub import feed
from headway.live.hub.hub import Hub
from headway.live.transports.sse import Stream
from headway.models import Run
from headway.wakeups import Subject, listening
from tests.app.driving import drive, start
from tests.workers import until

from .mediums import Medium

pytestmark = pytest.mark.django_db(transaction=True)
NEVER = 600.0  # s


class Watched:
    """A hub, and one who watches a run on it."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.states: dict[str, str] = {}

    async def watch(self, run: Run) -> None:
        async def send(event: Any) -> None:
            for line in event.get("body", b"").splitlines():
                if line.startswith(b"data: ") and "run" in (message := json.loads(line[6:])):
                    self.states[message["run"]["id"]] = message["run"]["state"]

        stream = Stream(self.hub, send, "1", run.pk)
        self.hub.join(stream)
        await stream.look()
        await stream.open((), 60)

    async def hears_of_the_end(self, run: Run) -> None:
        async with asyncio.timeout(30):
            while self.states.get(str(run.pk)) != "succeeded":  # noqa: ASYNC110  (a stream has no event to wait for)
                await asyncio.sleep(0.01)


@asynccontextmanager
async def watched(run: Run) -> AsyncIterator[Watched]:
    hub = Hub(asyncio.get_running_loop(), "")
    try:
        found = Watched(hub)
        await found.watch(run)
        yield found
    finally:
        hub.feed.stop()
        await asyncio.to_thread(hub.feed.join)


async def elsewhere(call: Callable[[], Any]) -> Any:
    """In a thread, with a connection of its own."""

    def run() -> Any:
        try:
            return call()
        finally:
            connection.close()

    return await asyncio.to_thread(run)


def listens(medium: Medium) -> Callable[[], Any]:
    return lambda: until(lambda: medium.listeners(Subject.RUN_CHANGED) == 1)


def test_a_watcher_hears_of_the_end_without_a_poll(medium: Medium, monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(items=3)

    async def scene() -> None:
        async with watched(run) as watcher:
            await elsewhere(listens(medium))
            monkeypatch.setattr(feed, "POLL", NEVER)
            await elsewhere(lambda: drive(run))
            await watcher.hears_of_the_end(run)

    asyncio.run(scene())


def test_one_who_is_cut_off_still_hears_and_is_woken_again_afterwards(
    medium: Medium, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening, "FIRST_PAUSE", 4)
    run = start(items=3)

    async def scene() -> None:
        async with watched(run) as watcher:
            await elsewhere(listens(medium))
            await elsewhere(lambda: medium.cut(Subject.RUN_CHANGED))
            await elsewhere(lambda: drive(run))
            await watcher.hears_of_the_end(run)
            assert await elsewhere(lambda: medium.listeners(Subject.RUN_CHANGED)) == 0
            other = await elsewhere(lambda: start(items=4))
            await watcher.watch(other)
            await elsewhere(listens(medium))
            monkeypatch.setattr(feed, "POLL", NEVER)
            await elsewhere(lambda: drive(other))
            await watcher.hears_of_the_end(other)

    asyncio.run(scene())


def test_it_listens_only_while_somebody_watches(medium: Medium, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "IDLE", 0.1)
    run = start(items=3)

    async def scene() -> None:
        hub = Hub(asyncio.get_running_loop(), "")
        assert await elsewhere(lambda: medium.listeners(Subject.RUN_CHANGED)) == 0
        hub.keep_warm(run.pk)
        await elsewhere(listens(medium))
        hub.topics[run.pk].warm_until = 0
        hub.cool(run.pk)
        await elsewhere(lambda: until(lambda: medium.listeners(Subject.RUN_CHANGED) == 0))
        hub.feed.stop()
        await asyncio.to_thread(hub.feed.join)

    asyncio.run(scene())


def test_what_makes_no_sense_wakes_nobody_and_harms_nobody(medium: Medium) -> None:
    run = start(items=3)

    async def scene() -> None:
        async with watched(run) as watcher:
            for said in ("nonsense", "", str(run.pk), "\N{SNOWMAN}" * 900):
                watcher.hub.hear(said)
            await elsewhere(lambda: drive(run))
            await watcher.hears_of_the_end(run)

    asyncio.run(scene())
