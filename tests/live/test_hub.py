"""The hub's own parts: its sending holds nothing else up, and what hangs or fails is told."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection

from headway import runs
from headway.live.admission import gate
from headway.live.admission.gate import THREADS, Gate
from headway.live.answers import Answer
from headway.live.hub import feed, hub, reader
from headway.live.hub.hub import Hub
from headway.live.hub.reader import Found
from headway.live.hub.sending import SLICE, Pump
from headway.live.routes import Kind, Target
from headway.live.transports.sse import Stream
from headway.models import Run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def test_sending_takes_turns_with_everything_else() -> None:
    async def scene() -> int:
        loop = asyncio.get_running_loop()
        pump = Pump(loop)

        def line() -> Iterator[None]:
            for _ in range(5):
                until = loop.time() + SLICE
                while loop.time() <= until:
                    pass
                yield

        pump.add(line())
        turns = 0
        while pump.lines:
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert asyncio.run(scene()) >= 5


async def until(condition: Callable[[], Any]) -> None:
    """Let the loop turn until it holds."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110  (what is waited for knows no event)
            await asyncio.sleep(0.01)


def test_a_gate_that_hangs_refuses_and_keeps_count_of_what_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "PATIENCE", 0.1)
    monkeypatch.setattr(gate, "LONGEST_QUEUE", 2)
    asked = {"type": "http", "method": "GET", "path": "/api/events/", "query_string": b"", "headers": []}
    over = threading.Event()

    async def scene() -> list[Any]:
        hanging = Gate()
        for _ in range(THREADS):
            hanging.threads.submit(over.wait)
        answers = [await hanging.ask(asked, Target(Kind.EVENTS)) for _ in range(3)]
        waited = hanging.queued
        over.set()
        await until(lambda: not hanging.queued)
        hanging.threads.shutdown()
        return [*answers, waited]

    *answers, waited = asyncio.run(asyncio.wait_for(scene(), 30))
    assert [answer.status for answer in answers if isinstance(answer, Answer)] == [503] * 3
    assert b"in time" in answers[1].body
    assert b"Too many" in answers[2].body
    assert waited == 2


def test_a_feed_that_hangs_leaves_nothing_to_answer_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hub, "FRESH", 0.3)
    run = runs.start("tests.write_ledger", {"items": 3}).run
    over = threading.Event()

    async def scene() -> list[bool]:
        watched = Hub(asyncio.get_running_loop(), "")
        watched.keep_warm(run.pk)
        await until(lambda: watched.latest(run.pk))
        seen = [watched.is_blind]
        monkeypatch.setattr(watched.feed.reader, "read", lambda wanted: over.wait() and Found())
        await until(lambda: watched.is_blind)
        seen.append(watched.is_blind)
        over.set()
        await until(lambda: not watched.is_blind)
        watched.feed.stop()
        await asyncio.to_thread(watched.feed.join)
        return seen

    assert asyncio.run(asyncio.wait_for(scene(), 30)) == [False, True]


def test_a_line_that_fails_is_logged_and_silences_no_other(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> list[str]:
        pump, served = Pump(asyncio.get_running_loop()), list[str]()
        arrived = asyncio.Event()

        def failing() -> Iterator[None]:
            yield
            raise RuntimeError

        def line(name: str) -> Iterator[None]:
            served.append(name)
            arrived.set()
            yield

        pump.add(failing()), pump.add(line("beside it"))
        await asyncio.wait_for(arrived.wait(), 30)
        arrived.clear()
        pump.add(line("later"))
        await asyncio.wait_for(arrived.wait(), 30)
        return served

    assert asyncio.run(scene()) == ["beside it", "later"]
    assert "could not serve" in caplog.text


def test_an_opening_waits_for_news_that_is_held_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "MESSAGE_GAP", 1)
    run = runs.start("tests.write_ledger", {"items": 3}).run

    def change() -> None:
        Run.objects.filter(pk=run.pk).update(revision=7)
        connection.close()  # this thread's own

    async def send(event: Any) -> None:
        pass

    async def scene() -> list[int]:
        hub = Hub(asyncio.get_running_loop(), "")
        hub.keep_warm(run.pk)
        await until(lambda: hub.latest(run.pk))
        await asyncio.to_thread(change)
        stream = Stream(hub, send, "1", run.pk)
        hub.add(stream)
        seen = await stream.look()
        stream.drop()
        hub.feed.stop()
        await asyncio.to_thread(hub.feed.join)
        return [update.run["revision"] for update in seen]

    assert asyncio.run(scene()) == [7]


def test_who_comes_in_the_moment_in_which_the_feed_goes_to_rest_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "IDLE", 0.1)
    run = runs.start("tests.write_ledger", {"items": 3}).run
    begun, found = threading.Event(), threading.Event()
    rest = feed.Feed.rest
    monkeypatch.setattr(feed.Feed, "rest", lambda self: begun.set() or rest(self))
    resting = feed.Feed(lambda *_: found.set(), lambda _: None, "")
    resting.start()
    assert begun.wait(5)
    with resting.changed:
        awake = time.monotonic() + 0.3
        while time.monotonic() < awake:
            pass  # its time runs out while it can't have the lock …
        resting.wanted.opening_runs.add(run.pk)
        resting.changed.notify()  # … so that this reaches nobody
    assert found.wait(5)
    resting.stop()
    resting.join()


def test_event_loops_that_have_ended_are_let_go_with_their_threads() -> None:
    async def watch() -> Hub:
        return Hub.here("")

    with ThreadPoolExecutor(1) as elsewhere:  # than where signal handlers can be set
        first = elsewhere.submit(asyncio.run, watch()).result()
        second = elsewhere.submit(asyncio.run, watch()).result()
    first.feed.join(5)
    assert not first.feed.is_alive()
    assert first not in Hub.made.values()
    assert second in Hub.made.values()
    Hub.clear_closed()
    second.feed.join(5)
