"""Who may watch: on every transport the same."""

import contextlib
import json
import re
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest
from django.contrib.sessions.models import Session
from django.core import signing
from django.urls import reverse
from httpx_sse import connect_sse
from rest_framework.authtoken.models import Token
from websockets.exceptions import InvalidStatus

from headway import runs
from headway.live.admission import tickets
from headway.live.admission.gate import Admission, Gate
from headway.live.admission.permits import Permits
from headway.live.urls import urlpatterns
from headway.models import Run
from tests.app.driving import drive
from tests.workers import until

from .clients import cookie, http, socket, stream
from .server import Server

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]
OF_A_RUN = [pattern.name for pattern in urlpatterns if pattern.pattern.converters]
ALL = [pattern.name for pattern in urlpatterns]


def start(user: Any, **given: Any) -> Run:
    return runs.start("tests.write_ledger", given or {"items": 3}, user=user).run


def path(name: str, run_id: Any) -> str:
    return reverse(f"headway:{name}", args=[run_id] if name in OF_A_RUN else [])


@pytest.mark.parametrize("name", ALL)
def test_without_a_sign_in_it_is_401(server: Server, ada: Any, name: str) -> None:
    with http(server) as client:
        answer = client.get(path(name, start(ada).pk))
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"].endswith("unauthenticated")


@pytest.mark.parametrize("name", OF_A_RUN)
def test_a_foreign_run_looks_like_one_that_is_not_there(server: Server, ada: Any, bob: Any, name: str) -> None:
    run, nothing = start(ada), uuid4()
    with http(server, bob) as client:
        foreign, missing = client.get(path(name, run.pk)), client.get(path(name, nothing))
    assert (foreign.status_code, missing.status_code) == (404, 404)
    assert foreign.text.replace(str(run.pk), "") == missing.text.replace(str(nothing), "")


def test_whoever_may_see_all_runs_may_watch_them(server: Server, ada: Any, bob: Any) -> None:
    run = start(ada)
    bob.is_superuser = True
    bob.save()
    with stream(server, bob, run) as opened:
        assert opened.take()["run"]["id"] == str(run.pk)


@pytest.mark.parametrize("name", ALL)
def test_only_getting_has_a_meaning(server: Server, ada: Any, name: str) -> None:
    with http(server, ada) as client:
        answer = client.post(path(name, start(ada).pk))
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


KINDS = [
    "forged",
    "expired",
    "of another run",
    "of a user who is gone",
    "of an old password",
    "of a sign-in long ago",
    "no ticket",
]


@pytest.mark.parametrize("name", ALL)
def test_head_is_answered_like_get_but_without_a_body(server: Server, ada: Any, name: str) -> None:
    address = path(name, start(ada).pk)
    with http(server, ada) as client:
        head = client.head(address)
        with client.stream("GET", address) as answer:
            for said in ("content-type", "etag"):
                assert head.headers.get(said) == answer.headers.get(said)
            assert head.headers["cache-control"].startswith(answer.headers["cache-control"])
    assert (head.status_code, head.content) == (200, b"")


def test_head_tells_who_may_not_watch(server: Server, ada: Any, bob: Any) -> None:
    run = start(ada)
    with http(server) as nobody, http(server, bob) as other:
        assert nobody.head(path("run-events", run.pk)).status_code == 401
        assert other.head(path("run-events", run.pk)).status_code == 404


class TestTickets:
    """For programs that sign in by a header, and browsers that can't."""

    def links(self, server: Server, user: Any, run: Run) -> dict[str, str]:
        with http(server) as client:
            token = Token.objects.get_or_create(user=user)[0].key
            answer = client.get(f"/api/runs/{run.pk}/", headers={"Authorization": f"Token {token}"})
        links: dict[str, str] = answer.json()["links"]
        return links

    def test_a_program_may_watch_with_its_header(self, server: Server, ada: Any) -> None:
        run, token = start(ada), Token.objects.create(user=ada).key
        with http(server) as client:
            answer = client.get(f"/api/runs/{run.pk}/wait/", headers={"Authorization": f"Token {token}"})
            refused = client.get(f"/api/runs/{run.pk}/wait/", headers={"Authorization": "Token forged"})
        assert (answer.status_code, refused.status_code) == (200, 401)

    def test_the_links_that_it_gets_open_a_stream_and_a_socket(self, server: Server, ada: Any) -> None:
        run = start(ada)
        links = self.links(server, ada, run)
        with http(server) as client, client.stream("GET", links["events"]) as response:
            assert response.status_code == 200
        with socket(server, None, run, query=links["socket"].removeprefix(f"/ws/runs/{run.pk}/")) as opened:
            assert opened.take()["run"]["id"] == str(run.pk)

    def test_the_opening_brings_the_next_ticket_and_what_is_shared_brings_none(self, server: Server, ada: Any) -> None:
        run = start(ada)
        query = self.links(server, ada, run)["socket"].removeprefix(f"/ws/runs/{run.pk}/")
        with socket(server, None, run, query=query) as opened:
            opening = opened.take()["run"]["links"]
            drive(run)
            *_, last = opened
        assert "?ticket=" in opening["events"]
        assert "?ticket=" in opening["socket"]
        assert "?" not in opening["self"]
        assert "ticket" not in str(last)

    def test_tickets_that_follow_upon_tickets_say_when_a_header_was_shown_last(self, server: Server, ada: Any) -> None:
        run, since = start(ada), int(time.time()) - 14 * 60
        with socket(server, None, run, query=f"?ticket={ticket(ada, run, since=since)}") as opened:
            by_socket = opened.take()["run"]["links"]["events"]
        with http(server) as client, connect_sse(client, "GET", by_socket) as source:
            by_stream = json.loads(next(source.iter_sse()).data)["run"]["links"]["events"]
        shown = self.links(server, ada, run)["events"]
        assert [since_of(link, run) for link in (by_socket, by_stream)] == [since, since]
        assert since_of(shown, run) >= since + 14 * 60

    def test_a_new_password_ends_what_follows_upon_tickets(self, server: Server, ada: Any) -> None:
        run = start(ada)
        links = self.links(server, ada, run)
        ada.set_password("new")
        ada.save()
        with http(server) as client:
            assert client.get(links["events"]).status_code == 401

    @pytest.mark.parametrize("method", ["HEAD", "POST", "DELETE"])
    def test_no_ticket_is_logged_whatever_is_done_with_it(self, server: Server, ada: Any, method: str) -> None:
        run = start(ada)
        good = ticket(ada, run)
        with http(server) as client:
            for of_the_run in ("events/", "wait/", ""):
                client.request(method, f"/api/runs/{run.pk}/{of_the_run}?ticket={good}")
        until(lambda: server.said().count(f'"{method} /api/runs/{run.pk}/') == 3)
        assert good not in server.said()

    @pytest.mark.parametrize("kind", KINDS)
    def test_others_are_refused(self, server: Server, ada: Any, kind: str) -> None:
        run = start(ada)
        refused = {
            "forged": lambda: signing.dumps([str(ada.pk), str(run.pk)], key="other", salt=tickets.SALT),
            "expired": lambda: long_ago(ada, run),
            "of another run": lambda: ticket(ada, start(ada, items=4)),
            "of a user who is gone": lambda: ticket(ada, run, user_key=str(ada.pk + 1)),
            "of an old password": lambda: ticket(ada, run, stamp="0" * tickets.STAMP_LENGTH),
            "of a sign-in long ago": lambda: ticket(ada, run, since=int(time.time()) - tickets.SIGNED_IN_FOR),
            "no ticket": lambda: "%00",
        }[kind]()
        with http(server) as client:
            answer = client.get(f"/api/runs/{run.pk}/events/?ticket={refused}")
        with socket(server, None, run, query=f"?ticket={refused}") as opened:
            assert opened.code() == 4401
        assert answer.status_code == 401

    def test_a_ticket_opens_what_its_user_may_see_and_no_more(self, server: Server, ada: Any, bob: Any) -> None:
        run = start(ada)
        with http(server) as client:
            answer = client.get(f"/api/runs/{run.pk}/events/?ticket={ticket(bob, run)}")
            of_all = client.get(f"/api/events/?ticket={ticket(ada, run)}")
        assert (answer.status_code, of_all.status_code) == (404, 401)

    def test_no_ticket_is_logged(self, server: Server, ada: Any) -> None:
        run = start(ada)
        query = self.links(server, ada, run)["socket"].removeprefix(f"/ws/runs/{run.pk}/")
        with socket(server, None, run, query=query) as opened:
            opened.take()
        with http(server) as client:
            client.get(f"/api/runs/{run.pk}/events/{query}x&a=b")
        assert f"/ws/runs/{run.pk}/?ticket=hidden" in server.said()
        assert f"/api/runs/{run.pk}/events/?ticket=hidden&a=b" in server.said()
        assert not re.search("ticket=(?!hidden)", server.said())

    @pytest.mark.parametrize("run_id", ["", "no-uuid"])
    def test_nor_one_of_a_socket_that_is_refused(self, server: Server, ada: Any, run_id: str) -> None:
        run = start(ada)
        good = ticket(ada, run)
        origin = None if run_id else "https://evil.example"
        with (
            contextlib.suppress(InvalidStatus),
            socket(server, None, run_id or run, query=f"?ticket={good}", origin=origin) as opened,
        ):
            opened.code()
        until(lambda: f"/ws/runs/{run_id or run.pk}/" in server.said())
        assert good not in server.said()

    def test_nor_one_of_a_short_poll(self, server: Server, ada: Any) -> None:
        run = start(ada)
        good = ticket(ada, run)
        with http(server, ada) as client:
            assert client.get(f"/api/runs/{run.pk}/?ticket={good}").status_code == 200
        assert good not in server.said()

    @pytest.mark.parametrize("way", ["events", "wait"])
    def test_an_encoded_name_is_a_ticket_too(self, server: Server, ada: Any, way: str) -> None:
        run = start(ada)
        good = ticket(ada, run)
        url = f"{server.url}/api/runs/{run.pk}/{way}/"
        with http(server) as client:
            with client.stream("GET", f"{url}?%74icket={good}") as opened:
                assert opened.status_code == 200
            assert client.get(url).status_code == 401, "what a ticket opened stays closed for who has none"
        with socket(server, None, run, query=f"?tick%65t={good}") as opened_socket:
            opened_socket.take()
        with socket(server, None, run) as refused:
            assert refused.code() == 4401
        assert good not in server.said()


def ticket(user: Any, run: Run, **differs: Any) -> str:
    """One for this user and run, as of a sign-in just now unless it is to differ."""
    return tickets.issue(replace(tickets.holder_of(user), **differs), str(run.pk))


def since_of(link: str, run: Run) -> int:
    holder = tickets.read(parse_qs(urlsplit(link).query)["ticket"][0], str(run.pk))
    assert holder is not None
    return holder.since


def long_ago(user: Any, run: Run) -> str:
    with mock.patch("django.core.signing.time.time", return_value=1_000_000_000):
        return ticket(user, run)


class TestPermits:
    """For a minute, the gate's answer is remembered."""

    def test_coming_back_asks_no_session_and_no_user(self, server: Server, ada: Any) -> None:
        run = start(ada)
        with http(server, ada) as client:
            client.get(f"/api/runs/{run.pk}/wait/")
            began, before = time.monotonic(), server.census()["queries"]
            for _ in range(20):
                client.get(f"/api/runs/{run.pk}/wait/")
            asked, took = server.census()["queries"] - before, time.monotonic() - began
        looks = 10 * took  # the hub's, in between
        assert asked <= 20 * 2 + looks, "each looks at the run, by two statements at most, and at nothing else"

    def test_a_permit_is_for_one_caller_and_one_run(self, server: Server, ada: Any, bob: Any) -> None:
        first, second = start(ada, items=3), start(bob, items=3)
        with http(server, ada) as client:
            assert client.get(f"/api/runs/{first.pk}/wait/").status_code == 200
            assert client.get(f"/api/runs/{second.pk}/wait/").status_code == 404
        with http(server) as client:
            assert client.get(f"/api/runs/{first.pk}/wait/").status_code == 401

    def test_a_project_may_switch_them_off(self, serve: Callable[..., Server], ada: Any) -> None:
        server = serve(headway={"PERMITS": False})
        run, signed_in = start(ada), cookie(ada)
        with http(server) as client:
            assert client.get(f"/api/runs/{run.pk}/wait/", headers=signed_in).status_code == 200
            ada.delete()
            assert client.get(f"/api/runs/{run.pk}/wait/", headers=signed_in).status_code == 401

    def test_none_opens_a_stream_that_would_outlive_it(self, serve: Callable[..., Server], ada: Any) -> None:
        server = serve(headway={"STREAM_SECONDS": 60})
        run = start(ada)
        with http(server, ada) as client:
            assert client.get(f"/api/runs/{run.pk}/wait/").status_code == 200
            Session.objects.all().delete()
            assert client.get(f"/api/runs/{run.pk}/events/").status_code == 401
            assert client.get(f"/api/runs/{run.pk}/wait/").status_code == 200, "a poll is over before the permit is"


def test_a_permit_is_good_for_a_minute_from_the_asking_with_all_that_it_opens() -> None:
    permits, admission = Permits(Gate()), Admission("1", [])
    permits.remember(b"key", admission, time.monotonic() - 20)
    assert permits.find(b"key", 0) == permits.find(b"key", 35) == admission
    assert permits.find(b"key", 41) is None
