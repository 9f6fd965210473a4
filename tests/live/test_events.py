"""A run's stream of Server-Sent Events: what it opens with, in what order things come, and how it ends."""

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from headway import runs
from headway.models import Part, Run
from headway.store.parts import workers
from tests.app.driving import after_items, claim, counted, drive, expire, work
from tests.workers import until

from .clients import http, stream
from .server import Server

pytestmark = pytest.mark.django_db(transaction=True)


def start(user: Any, **given: Any) -> Run:
    return runs.start("tests.write_ledger", given, user=user).run


class TestOpening:
    def test_it_opens_with_a_snapshot_of_the_run_as_it_is_now(self, server: Server, ada: Any) -> None:
        run = start(ada, items=5)

        with stream(server, ada, run) as opened:
            message = opened.take()

        assert message["type"] == "snapshot"
        assert message["run"]["id"] == str(run.pk)
        assert message["run"]["state"] == "queued"
        assert message["run"]["links"]["events"] == f"/api/runs/{run.pk}/events/"
        assert opened.place == str(message["run"]["revision"]) == "1"
        assert opened.retry is not None
        assert 1_000 <= opened.retry <= 2_000

    @pytest.mark.once
    def test_no_proxy_is_to_hold_it_back(self, server: Server, ada: Any) -> None:
        with stream(server, ada, start(ada, items=1)) as opened:
            headers = opened.response.headers
        assert headers["content-type"] == "text/event-stream"
        assert headers["cache-control"] == "no-cache, no-transform"
        assert headers["x-accel-buffering"] == "no"
        assert "content-encoding" not in headers

    @pytest.mark.once
    def test_the_projects_own_middleware_has_its_say(self, server: Server, ada: Any) -> None:
        with stream(server, ada, start(ada, items=1)) as opened:
            assert opened.response.headers["x-frame-options"] == "DENY"
            assert "headway-hand-over" not in opened.response.headers

    @pytest.mark.once
    def test_whoever_comes_later_sees_the_run_as_it_is_then(self, server: Server, ada: Any) -> None:
        run = start(ada, items=5)
        with stream(server, ada, run) as first:
            first.take()
            drive(run)
            with stream(server, ada, run) as second:
                message = second.take()
        assert message["type"] == "end"
        assert message["run"]["progress"]["processed"] == 5

    @pytest.mark.parametrize("place", ["1", "99", "not-a-revision"])
    @pytest.mark.once
    def test_wherever_the_client_thinks_it_is_it_gets_a_snapshot(self, server: Server, ada: Any, place: str) -> None:
        run = start(ada, items=5)
        with stream(server, ada, run, after=place) as opened:
            assert opened.take()["run"]["revision"] == 1


class TestChanges:
    def test_each_change_comes_in_order_up_to_the_end(self, server: Server, ada: Any) -> None:
        run = start(ada, items=6)
        with stream(server, ada, run) as opened:
            seen = [opened.take()]
            work(claim(run), after_items(2))
            seen.append(opened.take())
            drive(run)
            seen.extend(opened)

        assert seen[-1]["type"] == "end"
        assert seen[-1]["run"]["state"] == "succeeded"
        revisions = [message.get("run", message)["revision"] for message in seen]
        assert all(before < later for before, later in pairwise(revisions))
        processed = [message.get("run", message)["progress"]["processed"] for message in seen]
        assert all(before <= later for before, later in pairwise(processed))
        assert opened.place == str(revisions[-1])

    @pytest.mark.once
    def test_a_change_of_state_comes_whole_and_mere_progress_short(self, server: Server, ada: Any) -> None:
        workers.beat("somebody", "here", 1, 0)  # else it lacks a worker in between, which is news
        run = start(ada, items=6)
        work(claim(run), after_items(1))
        counted()
        with stream(server, ada, run) as opened:
            opened.take()
            work(claim(run), after_items(2))
            progress = opened.take()
            runs.pause(run)
            paused = opened.take()

        assert progress["type"] == "progress"
        assert sorted(progress) == ["id", "message", "progress", "revision", "stalled", "state", "type", "updated_at"]
        assert paused["type"] == "snapshot"
        assert paused["run"]["state"] == "paused"
        assert paused["run"]["reason"]["code"] == "paused"
        assert paused["run"]["actions"] == ["resume", "cancel"]

    def test_a_lease_that_runs_out_is_told_though_the_revision_stays(self, server: Server, ada: Any) -> None:
        run = start(ada, items=6)
        work(claim(run), after_items(1))
        counted()
        part = claim(run)
        workers.beat("another", "host", 1, 1)
        with stream(server, ada, run) as opened:
            before = opened.take()["run"]
            expire(part)
            message = opened.take()

        assert message["type"] == "progress"
        assert (before["stalled"], message["stalled"]) == (False, True)
        assert message["revision"] == before["revision"]

    @pytest.mark.once
    def test_a_queued_runs_reason_is_told_though_the_revision_stays(self, server: Server, ada: Any) -> None:
        run = start(ada, items=6)
        with stream(server, ada, run) as opened:
            before = opened.take()["run"]
            workers.beat("worker", "host", pid=1, doorbell=1)
            message = opened.take()

        assert before["reason"]["code"] == "no-worker"
        assert message["type"] == "snapshot"
        assert message["run"]["reason"] is None
        assert message["run"]["revision"] == before["revision"]

    def test_at_most_four_messages_a_second_and_the_last_is_never_held_back(self, server: Server, ada: Any) -> None:
        run = start(ada, items=1)
        part = Part.objects.filter(run=run)
        with stream(server, ada, run) as opened:
            opened.take()
            began = time.monotonic()
            committed = 0
            while time.monotonic() - began < 1.5:
                committed += 1
                part.update(seq=committed)
            seconds = time.monotonic() - began
            came = 1
            while opened.take()["revision"] <= committed:
                came += 1

        assert committed > 100
        assert came <= 4 * seconds + 2


class TestEnding:
    @pytest.mark.once
    def test_it_ends_with_its_run(self, server: Server, ada: Any) -> None:
        run = start(ada, items=3)
        with stream(server, ada, run) as opened:
            opened.take()
            drive(run)
            last = list(opened)[-1]
        assert last["type"] == "end"
        assert last["run"]["done"]

    @pytest.mark.once
    def test_a_browser_that_has_the_last_revision_is_told_not_to_come_back(self, server: Server, ada: Any) -> None:
        run = start(ada, items=3)
        drive(run)
        with stream(server, ada, run) as opened:
            (end,) = opened
        with http(server, ada) as client:
            again = client.get(f"/api/runs/{run.pk}/events/", headers={"Last-Event-ID": opened.place})
        assert end["type"] == "end"
        assert (again.status_code, again.content) == (204, b"")

    def test_before_a_proxy_would_cut_it_the_server_ends_it_and_the_client_goes_on(
        self, serve: Callable[..., Server], ada: Any
    ) -> None:
        server = serve(headway={"STREAM_SECONDS": 0.5})
        run = start(ada, items=5)
        began = time.monotonic()
        with stream(server, ada, run) as opened:
            *_, last = opened
        lived = time.monotonic() - began
        work(claim(run), after_items(1))
        with stream(server, ada, run, after=opened.place) as again:
            message = again.take()

        assert last == {"type": "rotate", "reason": "lifetime", "retry_ms": opened.retry}
        assert opened.retry is not None
        assert 0 <= opened.retry <= 50
        assert 0.4 <= lived < 10
        assert message["run"]["revision"] > int(opened.place)

    @pytest.mark.once
    def test_while_nothing_happens_it_shows_that_it_is_alive(self, serve: Callable[..., Server], ada: Any) -> None:
        server = serve(TEST_BEAT_SECONDS=0.2)
        run = start(ada, items=5)
        with http(server, ada) as client, client.stream("GET", f"/api/runs/{run.pk}/events/") as response:
            lines = response.iter_lines()
            assert ":" in lines

    def test_a_run_that_is_deleted_sends_its_watchers_away(self, server: Server, ada: Any) -> None:
        run = start(ada, items=5)
        with stream(server, ada, run) as opened:
            opened.take()
            run.delete()
            last = opened.take()
        assert (last["type"], last["reason"]) == ("rotate", "gone")

    @pytest.mark.once
    def test_a_client_that_goes_leaves_nothing_behind(self, server: Server, ada: Any) -> None:
        run = start(ada, items=5)
        for _ in range(5):
            with stream(server, ada, run) as opened, stream(server, ada) as all_of_hers:
                opened.take()
                all_of_hers.take()
        until(lambda: server.census()["watchers"] == 0)
        census = server.census()
        assert (census["topics"], census["rosters"], census["kept"]) == (0, 0, 0)
