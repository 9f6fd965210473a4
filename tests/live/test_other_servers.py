"""A server whose `send()` only works inside a task is served by tasks, and its watchers notice nothing."""

from collections.abc import Callable
from typing import Any

import pytest

from headway import runs
from tests.app.driving import after_items, claim, drive, work
from tests.workers import until

from .clients import http, socket, stream
from .server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def test_every_transport_works_there_too(serve: Callable[..., Server], ada: Any) -> None:
    server = serve(TEST_SENDS_NEED_TASK=1)
    run = runs.start("tests.write_ledger", {"items": 5}, user=ada).run
    with stream(server, ada, run) as streamed, socket(server, ada, run) as opened, stream(server, ada) as all_of_hers:
        streamed.take(), opened.take(), all_of_hers.take()
        work(claim(run), after_items(2))
        assert streamed.take() == opened.take() == all_of_hers.take()
        drive(run)
        last = list(streamed)[-1]
        assert last["type"] == "end"
        assert list(opened)[-1] == last
        while all_of_hers.take() != last:
            pass
    with http(server, ada) as client:
        assert client.get(f"/api/runs/{run.pk}/wait/").json() == last
    until(lambda: server.census()["watchers"] == 0)
    assert "Traceback" not in server.said()
