"""Wherever a project mounts the URLs, and wherever the project itself is mounted, they are found."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from httpx_sse import connect_sse

from headway import runs

from .clients import http, socket, stream
from .server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def test_below_a_prefix_of_the_server(serve: Callable[..., Server], ada: Any) -> None:
    server = serve(UVICORN_ROOT_PATH="/site")
    run = runs.start("tests.write_ledger", {"items": 3}, user=ada).run
    with stream(server, ada, run) as streamed, socket(server, ada, run) as opened, http(server, ada) as client:
        assert streamed.take() == (message := opened.take())
        assert client.get(f"/api/runs/{run.pk}/wait/").json() == message
    assert message["run"]["links"]["events"] == f"/site/api/runs/{run.pk}/events/"


def test_below_each_language_of_the_project(serve: Callable[..., Server], ada: Any) -> None:
    server = serve(TEST_URLCONF="tests.live.translated_urls")
    run = runs.start("tests.write_ledger", {"items": 3}, user=ada).run
    with http(server, ada) as client:
        for language in ("en", "de", "pt-br"):
            here = f"/{language}/deep/api/runs/{run.pk}"
            assert client.get(f"{here}/wait/?after=1&seconds=1").status_code == 204  # it has waited
            with connect_sse(client, "GET", f"{here}/events/") as opened:
                events = opened.iter_sse()
                assert json.loads(next(events).data)["type"] == "snapshot"
                assert server.census()["watchers"] == 1


def test_a_runs_id_may_be_written_in_upper_case(server: Server, ada: Any) -> None:
    run = runs.start("tests.write_ledger", {"items": 3}, user=ada).run
    upper = str(run.pk).upper()
    with http(server, ada) as client, socket(server, ada, upper) as opened:
        assert opened.take()["run"]["id"] == str(run.pk)
        assert client.get(f"/api/runs/{upper}/wait/?after=1&seconds=1").status_code == 204
        assert client.get(f"/runs/{upper}/").status_code == 200


def test_other_requests_are_the_applications(server: Server, ada: Any) -> None:
    with http(server, ada) as client:
        assert client.get("/login/").status_code == 200
        assert client.get("/api/runs/").json()["results"] == []
        assert client.get(f"/{'x' * 600}/").status_code == 404
