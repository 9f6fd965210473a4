"""The database goes for a while: watchers are kept, and hear what happened meanwhile."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from headway import runs
from headway.models import Run
from tests.app.driving import after_items, claim, drive, work
from tests.workers import until

from .clients import http, socket, stream
from .server import Server

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def no_tables() -> Iterator[None]:
    """Nobody can read runs meanwhile."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE headway_run RENAME TO headway_run_away")
        try:
            yield
        finally:
            cursor.execute("ALTER TABLE headway_run_away RENAME TO headway_run")


def start(user: Any) -> Run:
    return runs.start("tests.write_ledger", {"items": 5}, user=user).run


def test_watchers_outlast_a_short_outage(serve: Callable[..., Server], ada: Any) -> None:
    server, run = serve(), start(ada)
    with stream(server, ada, run) as streamed, socket(server, ada) as opened:
        streamed.take(), opened.take()
        with no_tables():
            until(lambda: "can't read the database" in server.said())
        drive(run)
        last = list(streamed)[-1]
        while (message := opened.take())["type"] != "end":
            pass
    assert last == message
    assert last["run"]["state"] == "succeeded"
    assert server.said().count("can't read the database") == 1


def test_after_ten_seconds_they_are_sent_away_and_new_ones_advised_to_poll(
    serve: Callable[..., Server], ada: Any
) -> None:
    server, run = serve(TEST_BLIND_SECONDS=1), start(ada)
    with stream(server, ada, run) as opened, http(server, ada) as client:
        opened.take()
        client.get(f"/api/runs/{run.pk}/wait/")  # has a permit from now on
        with no_tables():
            last = opened.take()
            refused = client.get(f"/api/runs/{run.pk}/events/")
        again = client.get(f"/api/runs/{run.pk}/wait/")
    assert (last["type"], last["reason"]) == ("rotate", "database")
    assert opened.retry is not None
    assert 0 <= opened.retry <= 2_000
    assert (refused.status_code, refused.json()["fallback"]) == (503, "poll")
    assert again.status_code == 200


def test_nothing_is_answered_from_memory_meanwhile(serve: Callable[..., Server], ada: Any) -> None:
    server, run = serve(), start(ada)
    with stream(server, ada, run) as opened, http(server, ada) as client:
        opened.take()
        known = {"If-None-Match": client.get(f"/api/runs/{run.pk}/").headers["etag"]}
        assert client.get(f"/api/runs/{run.pk}/", headers=known).status_code == 304
        with no_tables():
            until(lambda: "can't read the database" in server.said())
            assert client.get(f"/api/runs/{run.pk}/", headers=known).status_code >= 500


def test_a_restored_database_is_believed(server: Server, ada: Any) -> None:
    run = start(ada)
    work(claim(run), after_items(2))
    Run.objects.filter(pk=run.pk).update(revision=1_000)
    with stream(server, ada, run) as opened:
        assert opened.take()["run"]["revision"] > 1_000
        Run.objects.filter(pk=run.pk).update(revision=5)
        last = opened.take()
    with stream(server, ada, run, after=opened.place) as again:
        revision = again.take()["run"]["revision"]
    assert (last["type"], last["reason"]) == ("rotate", "restored")
    assert revision < 1_000
