"""`make demo-full`, as a person, a program and Prometheus meet it: through Caddy, behind its cut."""

import csv
import json
import os
import re
import signal
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import niquests
import psycopg
import pytest

from example.airports.nearest import Place
from servers.keeper import until
from servers.topology import OWN, SETTINGS
from tests.crash.aloud import Tell
from tests.crash.aloud import tell as tell
from tests.e2e.api import api, start
from tests.e2e.follower import never_falls
from tests.e2e.page import InPage
from tests.e2e.polls import LongPoll
from tests.e2e.streams import Curl
from tests.e2e.test_import import curl
from tests.files import FEW_CODES, FEW_IMPORTED, FEW_ROWS, few_rows
from tests.neighbours import rows, wrong_answers
from tests.processes import whole_lines
from tests.production.scrapes import scrape
from tests.production.shape import Shape, are_gone, demo_full, told, words
from tests.workers import children_of

pytestmark = [pytest.mark.slow, pytest.mark.once, pytest.mark.alone]

CUT, STREAM, POLL = 8, 5, 4  # s
LONG = 20  # s; longer than any of them
A_SECOND = 10  # items of it
PATIENCE = 60  # s
FEWER = 4_000  # airports whose neighbours two workers look for during some seconds
WITHIN = 300  # s; 25 where nothing else runs
AT_WORK = "SELECT DISTINCT split_part(worker, ':', 2) FROM headway_part WHERE token IS NOT NULL"  # without the child
ENDED = 'headway_runs_ended_total{operation="airports.import_airports",state="partial"}'
CREATED = 'headway_starts_total{disposition="created",operation="airports.import_airports"}'
JOINED = 'headway_duplicates_prevented_total{how="joined"}'


@pytest.fixture(scope="module")
def shape(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shape]:
    with demo_full(tmp_path_factory.mktemp("demo-full"), CUT, STREAM) as shape:
        yield shape


def test_the_processes_and_what_they_are_told_are_those_of_the_table(shape: Shape) -> None:
    running = {pid: words(pid, "cmdline") for pid in shape.servers}
    for service in filter(lambda service: service.health, OWN.values()):
        title = [word for word in service.command if "{" not in word]
        found = [pid for pid, command in running.items() if set(title) <= set(command)]
        assert len(found) == service.count, (service.title, running)
        for pid in found:
            assert len(running[pid]) == len(service.command)
            told = dict(word.partition("=")[::2] for word in words(pid, "environ"))
            assert {*SETTINGS, *service.settings} <= set(told)
            assert (told["DEMO"], told["HEADWAY_ENGINE"]) == ("1", "celery")
            assert told["DATABASE_URL"].startswith("postgres://")
            assert told["CELERY_BROKER_URL"].startswith("redis://")


def test_only_whether_it_lives_is_told_outside(shape: Shape) -> None:
    outside = {path: httpx.get(f"{shape.url}{path}").status_code for path in ("/healthz", "/readyz", "/metrics")}
    inside = {path: httpx.get(f"{shape.inside}{path}").status_code for path in outside}

    assert outside == {"/healthz": 200, "/readyz": 404, "/metrics": 404}
    assert inside == {"/healthz": 200, "/readyz": 200, "/metrics": 200}


def test_it_speaks_http_2_and_3(shape: Shape) -> None:
    trust = ["--cacert", str(shape.authority)]
    spoken = curl("--http2", *trust, "--write-out", "%{http_version}", "--output", "/dev/null", shape.secure_url)
    with niquests.Session(disable_http1=True, disable_http2=True) as session:
        answer = session.get(f"{shape.secure_url}/login/", verify=str(shape.authority), timeout=30)

    assert spoken == "2"
    assert (answer.http_version, answer.status_code) == (30, 200)


def test_a_run_outlasts_the_cut_watched_by_a_browser_by_curl_and_over_http_3(shape: Shape, tell: Tell) -> None:
    before = scrape(shape.inside)
    with api(shape.url) as client:
        run = start(client, "paced.take_time", seconds=LONG)
        secure = shape.target(run["links"], secure=True)
        followers = [
            Curl(secure, http2=True).start(),
            Curl(shape.target(run["links"], secure=False)).start(),
            LongPoll(secure, seconds=POLL, version=3).start(),
            InPage(secure, seconds=WITHIN).start(),
        ]
        most: Counter[str] = Counter()
        while any(follower.thread.is_alive() for follower in followers):
            now = scrape(shape.inside)
            assert now.falls_below(before) == []
            most |= Counter(now.samples)
            before = now
            followers[0].thread.join(1)
        ended = client.get(run["links"]["self"]).json()
    requests = [json.loads(line) for line in whole_lines(shape.requests)]

    tell(f"{told(followers, requests)}; at most {most['headway_items_per_second']:.0f} items/s")
    assert (ended["state"], ended["progress"]["succeeded"]) == ("succeeded", LONG * A_SECOND)
    for follower in followers:
        assert follower.broken == [], follower
        assert follower.heard[-1].run["revision"] == ended["revision"], follower
        assert never_falls(follower), follower
        assert follower.openings > 1, follower
    assert isinstance(followers[-1], InPage)
    assert followers[-1].protocol == "h2"
    assert max(request["duration"] for request in requests) < CUT
    assert {request["request"]["proto"] for request in requests} == {"HTTP/1.1", "HTTP/2.0", "HTTP/3.0"}
    assert [most['headway_runs{state="running"}'], most["headway_workers"] >= 2] == [1, True]
    assert 0 < most["headway_items_per_second"] <= 2 * A_SECOND
    assert 2 <= most["headway_watchers"] <= 10  # the browser's other pages watch too, and who comes back may overlap
    assert until(lambda: scrape(shape.inside)["headway_watchers"] == 0, PATIENCE)
    last = scrape(shape.inside)
    assert [last["headway_items_per_second"], last["headway_parts_due"]] == [0, 0]


def test_an_import_is_started_once_and_what_became_of_its_rows_is_told(shape: Shape, tmp_path: Path) -> None:
    first = scrape(shape.inside)
    upload = ["--http2", "--cacert", str(shape.authority), "--form", f"file=@{few_rows(tmp_path)}"]
    command = [*upload, f"{shape.secure_url}/api/operations/airports.import_airports/runs/"]
    run: Any = json.loads(curl(*command))
    assert json.loads(curl(*command))["id"] == run["id"]
    with api(shape.url) as client:
        done(client, run)
        ended = client.get(run["links"]["self"]).json()
        failures = list(csv.DictReader(client.get(run["links"]["failures"]).text.splitlines()))

    assert [ended["state"], ended["progress"]["succeeded"], ended["progress"]["failed"]] == [
        "partial",
        FEW_IMPORTED,
        FEW_ROWS - FEW_IMPORTED,
    ]
    assert {entry["code"]: entry["count"] for entry in ended["failure_summary"]} == FEW_CODES
    assert Counter(row["code"] for row in failures) == FEW_CODES
    last = scrape(shape.inside)
    assert [last.since(first, each) for each in (ENDED, CREATED, JOINED)] == [1, 1, 1]


def test_its_two_workers_find_the_neighbours_of_all_airports_in_four_parts(shape: Shape, tell: Tell) -> None:
    workers: set[str] = set()
    with api(shape.url) as client, psycopg.connect(shape.database_url, autocommit=True) as database:
        fill(database)
        began = time.monotonic()
        run = start(client, "airports.nearest_neighbours")
        follower = LongPoll(shape.target(run["links"], secure=False), seconds=POLL).start()
        while follower.thread.is_alive():
            workers |= {name for (name,) in database.execute(AT_WORK).fetchall()}
            follower.thread.join(0.2)
        took = time.monotonic() - began
        ended = client.get(run["links"]["self"]).json()
        places = [Place(*row) for row in database.execute("SELECT icao, latitude, longitude FROM airports_airport")]
        answers = {
            airport: [(kilometres, icao) for icao, kilometres in nearest]
            for airport, nearest in database.execute("SELECT airport_id, nearest FROM airports_neighbourhood")
        }
        parts = [
            row[0] for row in database.execute("SELECT succeeded FROM headway_part WHERE run_id = %s", [run["id"]])
        ]

    tell(f"neighbours of {len(answers):,} airports in {took:.0f} s, parts of {parts}, by {len(workers)} workers")
    assert (ended["state"], ended["progress"]["succeeded"], ended["progress"]["failed"]) == ("succeeded", FEWER, 0)
    assert parts == 4 * [FEWER // 4]
    assert len(workers) == 2
    assert len(places) == len(answers) == FEWER
    assert wrong_answers(answers, places) == []


def fill(database: psycopg.Connection[Any]) -> None:
    """Have the first so many airports of the file in the table, and no other."""
    airports = rows()[:FEWER]
    database.execute("TRUNCATE airports_airport CASCADE")
    with (
        database.cursor() as cursor,
        cursor.copy(f"COPY airports_airport ({', '.join(airports[0])}) FROM STDIN") as copy,
    ):
        for airport in airports:
            copy.write_row(list(airport.values()))


def done(client: httpx.Client, run: dict[str, Any]) -> None:
    """Waits until it is."""
    assert until(lambda: client.get(run["links"]["self"]).json()["done"] is True, WITHIN)


def test_whatever_is_logged_is_pairs_with_the_run_and_no_ticket(shape: Shape) -> None:
    worker = next(pid for pid in shape.servers if "--hostname=worker-1@%h" in words(pid, "cmdline"))
    os.kill(children_of(worker)[-1], signal.SIGKILL)  # Celery has something to tell
    log = shape.data / "full/worker-1/server.log"
    dead = r'\ntime=\S+ level=ERROR logger=multiprocessing process=\d+ message="Process .*SIGKILL'
    assert until(lambda: re.search(dead, log.read_text()) is not None, PATIENCE)

    with api(shape.url) as client:
        run = start(client, "paced.take_time", seconds=1)
        done(client, run)

    def logs() -> dict[Path, str]:
        return {path: path.read_text() for path in (shape.data / "full").glob("*/*.log")}

    def story() -> list[str]:
        return sorted(line for text in logs().values() for line in text.splitlines() if f"run={run['id']}" in line)

    until(lambda: len(story()) >= 3, PATIENCE)  # the end is logged once it is committed
    assert [re.sub(r"time=.* process=\d+ | part=\d+$", "", line) for line in story()] == [
        f"run={run['id']} operation=paced.take_time event=start disposition=created",
        f"run={run['id']} operation=paced.take_time event=began",
        f"run={run['id']} operation=paced.take_time event=ended state=succeeded succeeded=10 failed=0 skipped=0",
    ]
    assert not [path for path, text in logs().items() if "ticket=" in text.replace("ticket=…", "")]


def test_ctrl_c_ends_all_of_it(shape: Shape) -> None:
    servers = shape.servers

    assert shape.end() == (0, "Ended.")

    assert len(servers) == 7  # PostgreSQL, Valkey, uvicorn, two workers, beat, Caddy
    are_gone(servers)
