"""WebSockets: the same messages as a stream's; the close code says why it ended."""

from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import InvalidStatus

from headway import runs
from headway.models import Run
from tests.app.driving import after_items, claim, drive, work
from tests.workers import until

from .clients import socket, stream
from .server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def start(user: Any, **given: Any) -> Run:
    return runs.start("tests.write_ledger", given, user=user).run


def test_it_says_what_a_stream_says(server: Server, ada: Any) -> None:
    run = start(ada, items=5)
    with stream(server, ada, run) as streamed, socket(server, ada, run) as opened:
        assert opened.take() == streamed.take()
        work(claim(run), after_items(2))
        assert opened.take() == streamed.take()
        drive(run)
        assert list(opened)[-1] == list(streamed)[-1]
        assert opened.code() == 1000


def test_the_socket_of_an_ended_run_says_how_it_ended(server: Server, ada: Any) -> None:
    run = start(ada, items=5)
    drive(run)
    with socket(server, ada, run) as opened:
        (message,) = opened
    assert (message["type"], opened.code()) == ("end", 1000)


def test_all_of_a_users_runs_come_through_one_socket(server: Server, ada: Any) -> None:
    first = start(ada, items=2)
    with socket(server, ada) as opened:
        assert opened.take()["run"]["id"] == str(first.pk)
        second = start(ada, items=3)
        assert opened.take()["run"]["id"] == str(second.pk)


def test_before_a_proxy_would_cut_it_the_server_sends_it_away(serve: Callable[..., Server], ada: Any) -> None:
    server = serve(headway={"STREAM_SECONDS": 0.5})
    with socket(server, ada, start(ada, items=5)) as opened:
        *_, last = opened
    assert (last["type"], last["reason"], opened.code()) == ("rotate", "lifetime", 1012)


def test_what_a_client_says_is_of_no_interest(server: Server, ada: Any) -> None:
    run = start(ada, items=5)
    with socket(server, ada, run) as opened:
        opened.take()
        for _ in range(50):
            opened.connection.send("{" * 100)
            opened.connection.send(b"\xff" * 100)
        drive(run)
        assert [message["type"] for message in opened][-1] == "end"


def test_a_client_that_goes_leaves_nothing_behind(server: Server, ada: Any) -> None:
    run = start(ada, items=5)
    with socket(server, ada, run) as opened, socket(server, ada) as all_of_hers:
        opened.take(), all_of_hers.take()
    until(lambda: server.census()["watchers"] == 0)
    assert server.census()["kept"] == 0


class TestRefusals:
    def test_nobody_is_let_in_without_signing_in(self, server: Server, ada: Any) -> None:
        with socket(server, None, start(ada, items=1)) as opened:
            assert opened.code() == 4401

    @pytest.mark.parametrize("run", ["foreign", "6b3c1b9e-5d3a-4e3f-9d59-0d6f1c2b3a4d", "no-uuid", "%00"])
    def test_unknown_and_foreign_runs_are_refused_alike(self, server: Server, ada: Any, bob: Any, run: str) -> None:
        foreign = str(start(bob, items=1).pk)
        with socket(server, ada, foreign if run == "foreign" else run) as opened:
            assert opened.code() == 4403

    @pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1", "http://127.0.0.1:1"])
    def test_a_page_from_elsewhere_is_refused_before_the_socket_opens(
        self, server: Server, ada: Any, origin: str
    ) -> None:
        run = start(ada, items=1)
        with pytest.raises(InvalidStatus) as refused, socket(server, ada, run, origin=origin):
            pass
        assert refused.value.response.status_code == 403

    def test_our_own_pages_are_let_in(self, server: Server, ada: Any) -> None:
        with socket(server, ada, start(ada, items=1), origin=server.url) as opened:
            assert opened.take()["type"] == "snapshot"

    @pytest.mark.parametrize("origin", ["https://app.example.com", "https://partner.example"])
    def test_pages_that_the_project_trusts_are_let_in(
        self, serve: Callable[..., Server], ada: Any, origin: str
    ) -> None:
        server = serve(TEST_TRUSTED_ORIGINS="https://*.example.com https://partner.example")
        run = start(ada, items=1)
        with socket(server, ada, run, origin=origin) as opened:
            assert opened.take()["type"] == "snapshot"
        with pytest.raises(InvalidStatus), socket(server, ada, run, origin=origin.replace("https", "http")):
            pass

    def test_a_socket_that_is_none_of_ours_is_refused_without_a_traceback(self, server: Server) -> None:
        with pytest.raises(InvalidStatus) as refused, socket(server, None, "a/b"):
            pass
        assert refused.value.response.status_code == 403
        assert "Traceback" not in server.said()
