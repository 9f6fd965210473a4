"""What a watcher costs: once it is open, no thread, no connection and no query."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from headway import runs
from tests.app.driving import after_items, claim, work
from tests.workers import until

from .clients import cookie
from .crowds import Crowd
from .server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]
WATCHERS = 300


def connections(server: Server) -> int:
    """How many connections to the database the process has."""
    if connection.vendor == "sqlite":
        return sum(file == str(connection.settings_dict["NAME"]) for file in server.census()["files"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = %s", [server.name])
        return int(cursor.fetchone()[0])


def test_three_hundred_watchers_cost_neither_threads_nor_connections_nor_queries(
    serve: Callable[..., Server], ada: Any
) -> None:
    server = serve(headway={"STREAMS_PER_USER": 1_000})
    run = runs.start("tests.write_ledger", {"items": 10}, user=ada).run
    with Crowd(server, cookie(ada)) as crowd:
        crowd.open(f"/api/runs/{run.pk}/events/", 10)
        few = server.census()
        crowd.open(f"/api/runs/{run.pk}/events/", WATCHERS - 10)
        many = server.census()
        work(claim(run), after_items(2))
        crowd.until(lambda reader: b'"processed":2' in reader.data)
        asked = server.census()["queries"] - many["queries"]

        assert many["watchers"] == WATCHERS
        assert many["threads"] <= few["threads"] + 3, "the gate has four"
        assert connections(server) <= 4 + 2, "the gate's, and the hub's own two: to ask, and to be woken"
        assert asked < WATCHERS / 3, "a round and a snapshot for all, and what the hub asks anyway"
        crowd.leave()
        until(lambda: server.census()["watchers"] == 0)

    left = server.census()
    assert (left["topics"], left["kept"]) == (0, 0)
    until(lambda: server.census()["tasks"] < 10)
