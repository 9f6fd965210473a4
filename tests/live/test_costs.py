"""What a watcher costs: once it is open, no thread, no connection and no query."""

import asyncio
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

pytestmark = pytest.mark.django_db(transaction=True)
WATCHERS = 300


def connections(server: Server) -> int:
    """How many connections to the database the process has."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return sum(file == name for file in server.census()["files"])
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", [name])
        return int(cursor.fetchone()[0])


def test_three_hundred_watchers_cost_neither_threads_nor_connections_nor_queries(
    serve: Callable[..., Server], ada: Any
) -> None:
    server = serve(headway={"STREAMS_PER_USER": 1_000})
    run = runs.start("tests.write_ledger", {"items": 10}, user=ada).run
    crowd = Crowd(server, cookie(ada))

    async def scene() -> None:
        await crowd.open(f"/api/runs/{run.pk}/events/", 10)
        few = await asyncio.to_thread(server.census), await asyncio.to_thread(connections, server)
        await crowd.open(f"/api/runs/{run.pk}/events/", WATCHERS - 10)
        many = await asyncio.to_thread(server.census), await asyncio.to_thread(connections, server)

        assert many[0]["watchers"] == WATCHERS
        assert many[0]["threads"] <= few[0]["threads"] + 3, "the gate's four"
        assert many[1] <= 4 + 1, "the gate's four and the hub's own"
        before = (await asyncio.to_thread(server.census))["queries"]
        await asyncio.to_thread(lambda: work(claim(run), after_items(2)))
        await crowd.until(lambda reader: b'"processed":2' in reader.data)
        asked = (await asyncio.to_thread(server.census))["queries"] - before
        assert asked < 40, "one round and one snapshot for all, and what a second's looking takes"
        crowd.close()

    asyncio.run(scene())
    until(lambda: server.census()["watchers"] == 0)
    census = server.census()
    assert (census["topics"], census["due"]) == (0, 0)
    until(lambda: server.census()["tasks"] < 10)
