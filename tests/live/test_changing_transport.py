"""A watcher may change its transport at any message: what it knows stays true, and it ends where all others do."""

import random
from typing import Any

import pytest

from headway import runs
from tests.app.driving import after_items, claim, drive, work

from .clients import http, socket, stream
from .server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
CHANGES = 100
Seen = dict[str, Any]


def by_stream(server: Server, user: Any, run: Any, seen: Seen) -> Seen:
    with stream(server, user, run, after=str(seen.get("revision", ""))) as opened:
        return opened.take()


def by_stream_of_all(server: Server, user: Any, run: Any, seen: Seen) -> Seen:
    with stream(server, user) as opened:
        return opened.take()


def by_socket(server: Server, user: Any, run: Any, seen: Seen) -> Seen:
    with socket(server, user, run) as opened:
        return opened.take()


def by_long_poll(server: Server, user: Any, run: Any, seen: Seen) -> Seen:
    with http(server, user) as client:
        message: Seen = client.get(f"/api/runs/{run.pk}/wait/?after={seen.get('revision', 0)}").json()
        return message


def by_short_poll(server: Server, user: Any, run: Any, seen: Seen) -> Seen:
    with http(server, user) as client:
        found = client.get(f"/api/runs/{run.pk}/").json()
        return {"type": "end" if found["done"] else "snapshot", "run": found}


TRANSPORTS = [by_stream, by_stream_of_all, by_socket, by_long_poll, by_short_poll]


def test_changed_at_random_a_hundred_times_the_end_is_the_same(server: Server, ada: Any) -> None:
    run = runs.start("tests.write_ledger", {"items": CHANGES + 10}, user=ada).run
    chosen = random.Random(5)
    seen: Seen = {}
    for _ in range(CHANGES):
        work(claim(run), after_items(1))
        message = chosen.choice(TRANSPORTS)(server, ada, run, seen)
        found = message.get("run", message)
        assert found["revision"] > seen.get("revision", 0)
        assert found["progress"]["processed"] >= seen.get("progress", {"processed": 0})["processed"]
        seen = found
    drive(run)

    ends = [transport(server, ada, run, seen) for transport in TRANSPORTS]

    assert all(end == ends[0] for end in ends)
    assert ends[0]["type"] == "end"
    assert ends[0]["run"]["progress"]["succeeded"] == CHANGES + 10
