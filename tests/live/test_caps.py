"""How many may watch: who comes when it is full gets an answer, and never hangs."""

from collections.abc import Callable
from typing import Any

import pytest

from headway import runs
from headway.models import Run
from tests.workers import until

from .clients import http, socket, stream
from .server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def start(user: Any) -> Run:
    return runs.start("tests.write_ledger", {"items": 3}, user=user).run


def test_one_user_may_have_so_many_open_and_others_still_get_in(
    serve: Callable[..., Server], ada: Any, bob: Any
) -> None:
    server = serve(headway={"STREAMS_PER_USER": 2})
    hers, his = start(ada), start(bob)
    with stream(server, ada, hers), socket(server, ada) as second, http(server, ada) as client:
        refused = [client.get(f"/api/runs/{hers.pk}/{how}/") for how in ("events", "wait")]
        with socket(server, ada, hers) as third:
            assert third.code() == 4429
        with stream(server, bob, his) as opened:
            assert opened.take()["type"] == "snapshot"
        second.connection.close()
        until(lambda: server.census()["watchers"] == 1)
        assert client.get(f"/api/runs/{hers.pk}/wait/").status_code == 200

    for answer in refused:
        assert answer.status_code == 429
        assert answer.json()["type"].endswith("too-many-streams")
        assert int(answer.headers["retry-after"]) > 0


def test_a_process_that_is_full_advises_to_poll(serve: Callable[..., Server], ada: Any, bob: Any) -> None:
    server = serve(headway={"STREAMS_PER_PROCESS": 1})
    hers, his = start(ada), start(bob)
    with stream(server, ada, hers), http(server, bob) as client:
        refused = client.get(f"/api/runs/{his.pk}/events/")
        with socket(server, bob, his) as opened:
            assert opened.code() == 1013
        polled = client.get(f"/api/runs/{his.pk}/")

    assert refused.status_code == 503
    assert refused.json()["type"].endswith("overloaded")
    assert refused.json()["fallback"] == "poll"
    assert int(refused.headers["retry-after"]) > 0
    assert polled.status_code == 200
