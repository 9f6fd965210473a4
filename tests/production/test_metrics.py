"""/metrics: right with several processes, protected where it is asked for."""

import os
import signal
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from headway.signals import run_ended
from headway.store.parts.workers import beat
from tests.app import driving
from tests.e2e.api import api, start
from tests.e2e.conftest import people as people
from tests.e2e.follower import Target
from tests.e2e.streams import Sse
from tests.forked import start as start_process
from tests.live.server import serving
from tests.production.scrapes import read, scrape
from tests.workers import Workers, children_of, environment, until

STARTS = 'headway_starts_total{disposition="%s",operation="tests.take_time"}'
PREVENTED = 'headway_duplicates_prevented_total{how="%s"}'
ENDED = 'headway_runs_ended_total{operation="tests.take_time",state="succeeded"}'
RUNNING = 'headway_runs{state="running"}'
COUNT_AND_DIE = """
from headway.signals import watchers_changed, write_fenced
write_fenced.send(None, run_id=None); watchers_changed.send(None, watchers=5)
"""

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.slow
@pytest.mark.once
def test_events_in_every_process_are_counted_once_and_never_fall(
    people: None, workers: Workers, tmp_path: Path
) -> None:
    with serving(tmp_path / "one.log") as one, serving(tmp_path / "other.log") as other, api(one.url) as client:
        by_turns = map(scrape, cycle([one.url, other.url]))
        before = scrapes = next(by_turns)
        waits = start(client, "tests.take_time", items=100, seconds=4)
        for _ in range(3):
            start(client, "tests.take_time", items=100, seconds=4)
        assert client.post("/api/operations/tests.take_time/runs/", json={"items": 7}).status_code == 409
        queued = next(by_turns)
        supervisor = workers.start()
        follower = Sse(Target(other.url, waits["links"])).start()
        until(lambda: follower.processed)
        until(lambda: next(by_turns)["headway_watchers"] == 1)
        until(lambda: next(by_turns)["headway_items_per_second"] > 0)
        running = next(by_turns)
        os.kill(children_of(supervisor.pid)[0], signal.SIGKILL)
        while not client.get(waits["links"]["self"]).json()["done"]:
            assert next(by_turns).falls_below(scrapes) == []
            scrapes = next(by_turns)
        follower.wait(30)
        until(lambda: next(by_turns)["headway_watchers"] == 0)
        ended = next(by_turns)

    assert [queued['headway_runs{state="queued"}'], queued["headway_parts_due"], queued["headway_workers"]] == [1, 1, 0]
    assert 0 < queued["headway_due_lag_seconds"] < 60
    assert [running[RUNNING], running["headway_workers"], running["headway_parts_due"]] == [1, 1, 0]
    assert {how: ended.since(before, STARTS % how) for how in ("created", "joined", "replayed", "refused")} == {
        "created": 1,
        "joined": 3,
        "replayed": 0,
        "refused": 1,
    }
    assert [ended.since(before, PREVENTED % how) for how in ("joined", "replayed", "refused")] == [3, 0, 1]
    assert ended.since(before, "headway_take_overs_total") == 1
    assert ended.since(before, ENDED) == 1
    assert [ended[RUNNING], ended["headway_items_per_second"], ended["headway_database_up"]] == [0, 0, 1]


def test_what_stands_in_the_tables_is_told(client: Client) -> None:
    def told() -> list[float]:
        seen = read(client.get("/metrics").content.decode())
        assert 0 <= seen["headway_due_lag_seconds"] < 60
        return [
            seen[name] for name in ('headway_runs{state="queued"}', RUNNING, "headway_parts_due", "headway_workers")
        ]

    run = driving.start(items=3)
    before = told()
    driving.work(driving.claim(run), driving.after_items(1))
    beat("somebody", "host", 1, 0)

    assert (before, told()) == ([1, 0, 1, 0], [0, 1, 1, 1])
    assert read(client.get("/metrics").content.decode())["headway_items_per_second"] >= 0


@pytest.mark.once
def test_an_operations_first_failure_is_a_rise_from_0(client: Client) -> None:
    series = 'headway_runs_ended_total{operation="headway.deliver_webhook",state="failed"}'
    before = read(client.get("/metrics").content.decode())

    run_ended.send(None, operation="headway.deliver_webhook", state="failed", run_id=None)

    after = read(client.get("/metrics").content.decode())
    assert series in before.samples
    assert after.since(before, series) == 1
    assert {STARTS % said for said in ("created", "queued", "joined", "replayed", "refused")} <= set(before.samples)


@pytest.mark.once
def test_what_a_process_has_counted_stays_when_it_ends_and_whom_it_watched_over_does_not(client: Client) -> None:
    before = read(client.get("/metrics").content.decode())

    assert start_process(["-c", COUNT_AND_DIE], environment()).wait(60) == 0

    after = read(client.get("/metrics").content.decode())
    assert after.since(before, "headway_fenced_writes_total") == 1
    assert after["headway_watchers"] == before["headway_watchers"]


@pytest.mark.once
def test_a_process_killed_while_it_made_its_file_does_not_end_the_counting(client: Client, settings: Any) -> None:
    before = read(client.get("/metrics").content.decode())
    file = settings.HEADWAY_METRICS["DIRECTORY"] / "counter_killed.1.db"
    file.touch()  # as a kill between the file's making and its first byte leaves it
    try:
        after = read(client.get("/metrics").content.decode())
    finally:
        file.unlink()

    assert after.falls_below(before) == []


@pytest.mark.once
def test_a_token_is_demanded_where_there_is_one(client: Client, settings: Any) -> None:
    settings.HEADWAY_METRICS = {**settings.HEADWAY_METRICS, "TOKEN": "for-prometheus"}

    answers = [client.get("/metrics", headers=given) for given in ({}, bearer("wrong"), bearer("for-prometheus"))]

    assert [answer.status_code for answer in answers] == [401, 401, 200]


@pytest.mark.once
def test_without_a_token_nobody_reads_the_metrics_unless_the_project_says_so(client: Client, settings: Any) -> None:
    settings.HEADWAY_METRICS = {**settings.HEADWAY_METRICS, "TOKEN": "", "OPEN": False}

    answers = [client.get("/metrics", headers=given) for given in ({}, bearer(""), bearer("wrong"))]

    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert [answer.content for answer in answers] == [b"", b"", b""]


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}
