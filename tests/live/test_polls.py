"""Long polls wait for news; short polls without news are answered from memory."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import httpx
import pytest
from django.db import connection

from headway import runs
from headway.models import Part, Run
from tests.app.driving import after_items, claim, counted, drive, expire, work
from tests.pace import BareProcess
from tests.workers import until

from .clients import http, socket, stream
from .server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def start(user: Any, **given: Any) -> Run:
    return runs.start("tests.write_ledger", given, user=user).run


class InBackground(threading.Thread):
    """A request that is waiting for its answer."""

    def __init__(self, ask: Callable[[], httpx.Response]) -> None:
        super().__init__()
        self.ask = ask
        self.start()

    def run(self) -> None:
        self.answer = self.ask()

    def result(self) -> httpx.Response:
        self.join(30)
        return self.answer


@contextmanager
def moving(run: Run) -> Iterator[None]:
    """Somebody commits all the time."""
    stopped = threading.Event()

    def commit() -> None:
        for seq in count(1):
            Part.objects.filter(run=run).update(seq=seq)
            if stopped.wait(0.01):
                break
        connection.close()  # this thread's own

    committing = threading.Thread(target=commit)
    committing.start()
    try:
        yield
    finally:
        stopped.set()
        committing.join()


class TestLongPoll:
    def test_it_answers_at_once_when_there_is_news(self, server: Server, ada: Any) -> None:
        run = start(ada, items=3)
        with http(server, ada) as client:
            answer = client.get(f"/api/runs/{run.pk}/wait/?after=0")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["type"] == "snapshot"
        assert answer.json()["run"]["revision"] == 1

    def test_it_waits_for_news(self, server: Server, ada: Any) -> None:
        run = start(ada, items=3)
        with http(server, ada) as client:
            waiting = InBackground(lambda: client.get(f"/api/runs/{run.pk}/wait/?after=1"))
            until(lambda: server.census()["watchers"] == 1)
            drive(run)
            answer = waiting.result()
        assert answer.json()["type"] in ("snapshot", "end")
        assert answer.json()["run"]["revision"] > 1

    def test_it_hears_of_what_changes_without_a_revision(self, server: Server, ada: Any) -> None:
        run = start(ada, items=3)
        work(claim(run), after_items(1))
        counted()
        part = claim(run)
        with http(server, ada) as client:

            def ask_after(known: httpx.Response) -> httpx.Response:
                after, etag = known.json()["run"]["revision"], known.headers["etag"]
                return client.get(f"/api/runs/{run.pk}/wait/?after={after}", headers={"If-None-Match": etag})

            first = client.get(f"/api/runs/{run.pk}/wait/")
            waiting = InBackground(lambda: ask_after(first))
            until(lambda: server.census()["watchers"] == 1)
            expire(part)
            stalled = waiting.result()
            work(claim(run), after_items(0))  # gives it back: not stalled any more, and before the client asks again
            again = ask_after(stalled)
        assert stalled.json()["run"]["stalled"]
        assert not again.json()["run"]["stalled"]

    def test_nothing_new_in_time_is_204(self, server: Server, ada: Any) -> None:
        run = start(ada, items=3)
        with http(server, ada) as client, BareProcess() as bare:
            began = time.monotonic()
            answer = client.get(f"/api/runs/{run.pk}/wait/?after=1&seconds=1")
            took = time.monotonic() - began
        assert (answer.status_code, answer.content) == (204, b"")
        assert took >= 1
        assert bare.undisturbed(took) < 2

    def test_a_revision_that_was_never_reached_is_answered_at_once(self, server: Server, ada: Any) -> None:
        run = start(ada, items=3)
        with http(server, ada) as client:
            assert client.get(f"/api/runs/{run.pk}/wait/?after=99").json()["run"]["revision"] == 1

    def test_asking_again_and_again_gets_to_the_end(self, server: Server, ada: Any) -> None:
        run = start(ada, items=3)
        seen = [0]
        with http(server, ada) as client:
            while True:
                message = client.get(f"/api/runs/{run.pk}/wait/?after={seen[-1]}").json()
                seen.append(message["run"]["revision"])
                if message["type"] == "end":
                    break
                work(claim(run), after_items(1))
        assert seen == sorted(set(seen))

    def test_asking_again_at_once_gets_four_answers_a_second_at_most(self, server: Server, ada: Any) -> None:
        run = start(ada, items=1)
        seen = [0]
        with http(server, ada) as client, stream(server, ada, run):
            client.get(f"/api/runs/{run.pk}/wait/")
            began = time.monotonic()
            with moving(run):
                while time.monotonic() - began < 1.5:
                    answer = client.get(f"/api/runs/{run.pk}/wait/?after={seen[-1]}")
                    seen.append(answer.json()["run"]["revision"])
            took = time.monotonic() - began
        assert len(seen) > 2
        assert seen == sorted(set(seen)), "each is new"
        assert len(seen) - 1 <= took * 4 + 2

    def test_what_was_seen_at_its_opening_is_no_news_a_moment_later(self, server: Server, ada: Any) -> None:
        run = start(ada, items=1)
        with http(server, ada) as client, stream(server, ada, run) as watching:
            watching.take()
            Part.objects.filter(run=run).update(seq=10)  # told now …
            watching.take()
            Part.objects.filter(run=run).update(seq=20)  # … so that this is held back
            revision = client.get(f"/api/runs/{run.pk}/wait/").json()["run"]["revision"]
            answer = client.get(f"/api/runs/{run.pk}/wait/?after={revision}&seconds=1")
            assert watching.take()["revision"] == revision
        assert answer.status_code == 204

    @pytest.mark.parametrize(
        "query", ["after=x", "after=-1", "after=1.5", "after=", "seconds=0", "seconds=26", "seconds=nan", "seconds=x"]
    )
    @pytest.mark.parametrize("comes", ["first", "again"])
    def test_what_makes_no_sense_is_400(self, server: Server, ada: Any, query: str, comes: str) -> None:
        run = start(ada, items=3)
        with http(server, ada) as client:
            if comes == "again":  # with a permit
                client.get(f"/api/runs/{run.pk}/wait/?after=0")
            answer = client.get(f"/api/runs/{run.pk}/wait/?{query}")
        assert answer.status_code == 400
        assert answer.json()["type"].endswith("malformed")

    def test_whoever_goes_while_waiting_leaves_nothing_behind(self, server: Server, ada: Any) -> None:
        run = start(ada, items=3)
        with http(server, ada) as client, pytest.raises(httpx.ReadTimeout):
            client.get(f"/api/runs/{run.pk}/wait/?after=1", timeout=0.5)
        until(lambda: server.census()["watchers"] == 0)
        assert server.census()["kept"] == 0


class TestShortPoll:
    def test_without_news_it_asks_nobody(self, server: Server, ada: Any) -> None:
        run = start(ada, items=3)
        with http(server, ada) as client:
            first = client.get(f"/api/runs/{run.pk}/")
            known = {"If-None-Match": first.headers["etag"]}
            assert client.get(f"/api/runs/{run.pk}/", headers=known).status_code == 304
            until(lambda: server.census()["topics"] == 1)
            client.get(f"/api/runs/{run.pk}/", headers=known)  # at the latest this one gets the permit
            before = server.census()["queries"]
            answers = [client.get(f"/api/runs/{run.pk}/", headers=known) for _ in range(50)]
            asked = server.census()["queries"] - before

        assert {answer.status_code for answer in answers} == {304}
        assert answers[0].headers["etag"] == first.headers["etag"]
        assert answers[0].headers["retry-after"] == "2"
        assert asked < len(answers), "the hub looks every 100 ms, whoever polls; each poll asks nothing"

    def test_news_come_with_the_next_poll(self, server: Server, ada: Any) -> None:
        run = start(ada, items=3)
        with http(server, ada) as client, socket(server, ada, run) as watching:
            known = {"If-None-Match": client.get(f"/api/runs/{run.pk}/").headers["etag"]}
            watching.take()
            assert client.get(f"/api/runs/{run.pk}/", headers=known).status_code == 304
            drive(run)
            list(watching)
            answer = client.get(f"/api/runs/{run.pk}/", headers=known)
        assert (answer.status_code, answer.json()["state"]) == (200, "succeeded")

    def test_a_run_that_was_deleted_is_gone_for_pollers_too(self, server: Server, ada: Any) -> None:
        run = start(ada, items=3)
        drive(run)
        with http(server, ada) as client:
            known = {"If-None-Match": client.get(f"/api/runs/{run.pk}/").headers["etag"]}
            assert client.get(f"/api/runs/{run.pk}/", headers=known).status_code == 304
            until(lambda: server.census()["topics"] > 0)
            assert client.get(f"/api/runs/{run.pk}/", headers=known).status_code == 304
            runs.delete(run, user=ada)
            until(lambda: client.get(f"/api/runs/{run.pk}/", headers=known).status_code == 404, 5)

    def test_nobody_else_learns_from_it_that_there_is_such_a_run(self, server: Server, ada: Any, bob: Any) -> None:
        run = start(ada, items=3)
        with http(server, ada) as hers, http(server, bob) as his, http(server) as nobodys:
            known = {"If-None-Match": hers.get(f"/api/runs/{run.pk}/").headers["etag"]}
            for _ in range(3):
                assert hers.get(f"/api/runs/{run.pk}/", headers=known).status_code == 304
                assert his.get(f"/api/runs/{run.pk}/", headers=known).status_code == 404
                assert nobodys.get(f"/api/runs/{run.pk}/", headers=known).status_code == 401
