"""The hub's own parts: whoever hears of a change elsewhere may wake it; nobody's work is held up by its sending."""

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
from headway.live.hub.desk import Desk
from headway.live.hub.hub import Hub
from headway.live.hub.pump import SLICE, Pump
from headway.live.hub.reader import Found
from headway.live.hub.wheel import Wheel
from headway.live.routes import Kind, Target
from headway.live.transports.sse import Stream
from headway.models import Run
from headway.wakeups import Listener, Subject

pytestmark = pytest.mark.django_db(transaction=True)


def test_woken_it_looks_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "POLL", 600)
    monkeypatch.setattr(reader, "MESSAGE_GAP", 0)
    run = runs.start("tests.write_ledger", {"items": 3}).run
    came: list[Any] = []
    arrived = asyncio.Event()

    async def send(event: Any) -> None:
        came.append(event)
        arrived.set()

    async def scene() -> None:
        hub = Hub(asyncio.get_running_loop(), "")
        stream = Stream(hub, send, "1", run.pk)
        hub.join(stream)
        await stream.look()
        await stream.open((), 60)
        await asyncio.to_thread(change, run)
        hub.wake([run.pk])
        await asyncio.wait_for(arrived.wait(), 30)
        stream.leave()
        hub.feed.stop()
        await asyncio.to_thread(hub.feed.join)

    asyncio.run(scene())
    (event,) = came
    assert b'"revision":7' in event["body"]


def change(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(revision=7)
    connection.close()  # this thread's own


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


def test_the_wheel_calls_who_is_due_and_nobody_else() -> None:
    async def scene() -> list[str]:
        called: list[str] = []
        done = asyncio.Event()

        def call(name: str) -> None:
            called.append(name)
            if name == "last":
                done.set()

        wheel = Wheel[str](asyncio.get_running_loop(), call)
        wheel.put("last", 0.25)
        wheel.put("first", 0)
        wheel.take_out("taken out", wheel.put("taken out", 0.1))
        await asyncio.wait_for(done.wait(), 30)
        assert not wheel.slots
        return called

    assert asyncio.run(scene()) == ["first", "last"]


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


def test_the_wheel_goes_on_when_one_call_fails(caplog: pytest.LogCaptureFixture) -> None:
    async def scene() -> None:
        done = asyncio.Event()

        def call(name: str) -> None:
            if name == "fails":
                raise RuntimeError
            done.set()

        wheel = Wheel[str](asyncio.get_running_loop(), call)
        wheel.put("fails", 0), wheel.put("later", 0.2)
        await asyncio.wait_for(done.wait(), 5)

    asyncio.run(scene())
    assert "could not do what was due" in caplog.text


def test_who_comes_in_the_moment_in_which_the_feed_goes_to_rest_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed, "IDLE", 0.1)
    run = runs.start("tests.write_ledger", {"items": 3}).run
    begun, found = threading.Event(), threading.Event()
    rest = feed.Feed.rest
    monkeypatch.setattr(feed.Feed, "rest", lambda self: begun.set() or rest(self))
    resting = feed.Feed(lambda *_: found.set(), lambda _: None, "", Listener(Subject.RUN_CHANGED, lambda _: None))
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
    async def watch() -> Desk:
        return Desk.here("")

    with ThreadPoolExecutor(1) as elsewhere:  # than where signal handlers can be set
        first = elsewhere.submit(asyncio.run, watch()).result()
        second = elsewhere.submit(asyncio.run, watch()).result()
    first.hub.feed.join(5)
    assert not first.hub.feed.is_alive()
    assert first not in Desk.made.values()
    assert second in Desk.made.values()
    Desk.clear_closed()
    second.hub.feed.join(5)
