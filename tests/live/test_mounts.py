"""Wherever a project mounts the URLs, and wherever the project itself is mounted, they are found."""

from collections.abc import Callable
from typing import Any

import pytest

from headway import runs

from .clients import http, socket, stream
from .server import Server

pytestmark = pytest.mark.django_db(transaction=True)


def test_below_a_prefix_of_the_server(serve: Callable[..., Server], ada: Any) -> None:
    server = serve(UVICORN_ROOT_PATH="/site")
    run = runs.start("tests.write_ledger", {"items": 3}, user=ada).run
    with stream(server, ada, run) as streamed, socket(server, ada, run) as opened, http(server, ada) as client:
        assert streamed.take() == (message := opened.take())
        assert client.get(f"/api/runs/{run.pk}/wait/").json() == message
    assert message["run"]["links"]["events"] == f"/site/api/runs/{run.pk}/events/"


def test_other_requests_are_the_applications(server: Server, ada: Any) -> None:
    with http(server, ada) as client:
        assert client.get("/login/").status_code == 200
        assert client.get("/api/runs/").json()["results"] == []
        assert client.get(f"/{'x' * 600}/").status_code == 404
