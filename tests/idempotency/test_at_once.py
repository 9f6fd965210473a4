"""Requests with one key at the same moment, and a process that is killed between the effect and the answer."""

import asyncio
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.contrib.auth.models import User
from django.db import connection, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory
from psycopg import IsolationLevel

from headway.idempotency import idempotent
from headway.models import StoredAnswer
from headway.store import answers
from tests.app.models import Thing
from tests.http.client import assert_problem
from tests.workers import environment

from .test_idempotent import KEY, plain_and_coroutine, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.idempotency.views")]

URLS = {"TEST_URLCONF": "tests.idempotency.views"}
CALL = """
import sys, django
django.setup()
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.get(username="demo"))
answer = client.post(sys.argv[1], {"how": "kill"}, headers={"Idempotency-Key": sys.argv[2]})
print(answer.status_code, answer.content)
"""


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


@plain_and_coroutine
def test_of_forty_at_once_one_has_its_effect_and_all_get_its_answer(demo: User, path: str) -> None:
    answer_all(demo, path, 40)


@pytest.mark.postgresql
@plain_and_coroutine
def test_it_is_so_in_stricter_isolation_levels(demo: User, path: str) -> None:
    options = connection.settings_dict["OPTIONS"]
    options["isolation_level"] = IsolationLevel.SERIALIZABLE
    connection.close()
    try:
        answer_all(demo, path, 12)
    finally:
        del options["isolation_level"]
        connection.close()


def answer_all(user: User, path: str, number: int) -> None:
    """Of so many at once, one has its effect."""
    clients = [signed_in(user) for _ in range(number)]

    def ask(client: Client) -> tuple[int, bytes, bool]:
        try:
            answer = send(client, path)
            return answer.status_code, answer.content, "Idempotent-Replayed" in answer
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(clients)) as pool:
        given = list(pool.map(ask, clients))
    assert Thing.objects.count() == 1
    assert {(status, body) for status, body, _ in given} == {(201, given[0][1])}
    assert Counter(replayed for *_, replayed in given) == {False: 1, True: number - 1}


@contextmanager
def at_work(user: User, key: str) -> Iterator[None]:
    """Inside, the view of another request with this key is at work: its transaction is open."""
    holds, over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                row = {"principal": f"user {user.pk}", "key": key, "fingerprint": "f"}
                StoredAnswer.objects.create(**row)
            else:
                Thing.objects.create(name="first", code="first")
            holds.set()
            over.wait(20)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    holds.wait(20)
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "PATIENCE", 0.3)


@contextmanager
def told(setting: str, value: str) -> Iterator[None]:
    """PostgreSQL's `setting` has this value in the test's session."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, false)", [setting, value])
        try:
            yield
        finally:
            cursor.execute(f"RESET {setting}")


@pytest.mark.usefixtures("short_patience")
@plain_and_coroutine
class TestInVain:
    @pytest.mark.postgresql
    def test_one_that_waits_in_vain_for_the_first_is_told_to_come_back(self, demo: User, path: str) -> None:
        client = signed_in(demo)
        with at_work(demo, KEY):
            answer = send(client, path)
        assert_problem(answer, "request-in-progress")
        assert answer["Retry-After"] == "1"

    @pytest.mark.postgresql
    def test_so_is_one_whose_statement_may_not_take_as_long(self, demo: User, path: str, monkeypatch: Any) -> None:
        monkeypatch.setattr(answers, "PATIENCE", 10)
        client = signed_in(demo)
        with at_work(demo, KEY), told("statement_timeout", "300"):
            assert_problem(send(client, path), "request-in-progress")

    @pytest.mark.sqlite
    def test_one_that_waits_in_vain_for_the_write_lock_is_told_that_the_database_is_busy(
        self, demo: User, path: str, caplog: Any
    ) -> None:
        client = signed_in(demo)
        with at_work(demo, "another-key"):
            answer = send(client, path)
        assert_problem(answer, "overloaded")
        assert answer["Retry-After"] == "2"
        assert "event=idempotency-busy" in caplog.text

    @pytest.mark.postgresql
    def test_one_that_the_database_can_not_write_is_told_so(self, demo: User, path: str, caplog: Any) -> None:
        client = signed_in(demo)
        with told("default_transaction_read_only", "on"):
            assert_problem(send(client, path), "overloaded")
        assert "ReadOnlySqlTransaction" in caplog.text

    def test_an_answer_is_given_again_at_once_while_another_request_is_at_work(self, demo: User, path: str) -> None:
        client = signed_in(demo)
        first = send(client, path)
        with at_work(demo, "another-key"):
            assert send(client, path).content == first.content
            assert_problem(send(client, path, name="other"), "idempotency-key-reused")


@plain_and_coroutine
def test_a_process_that_is_killed_between_effect_and_answer_leaves_nothing(demo: User, path: str) -> None:
    killed = subprocess.run([sys.executable, "-c", CALL, path, KEY], env=environment() | URLS, check=False)
    assert killed.returncode == -9
    assert (Thing.objects.count(), StoredAnswer.objects.count()) == (0, 0)
    assert send(signed_in(demo), path).status_code == 201
    assert Thing.objects.count() == 1


def test_a_client_that_goes_away_while_its_request_waits_leaves_no_transaction_open(demo: User) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def waits(request: HttpRequest) -> str:
        begun.set()
        goes_on.wait(10)
        return "one"

    async def view(request: HttpRequest) -> HttpResponse:
        raise AssertionError("it doesn't begin")

    async def go_away() -> bool:
        async with ThreadSensitiveContext():
            request = RequestFactory().post("/order/", headers={"Idempotency-Key": KEY})
            asking = asyncio.ensure_future(idempotent(scope=waits)(view)(request))
            await asyncio.to_thread(begun.wait, 10)
            asking.cancel()
            asyncio.get_running_loop().call_later(0.1, goes_on.set)
            with pytest.raises(asyncio.CancelledError) as gone:
                await asking
            open_still = await sync_to_async(lambda: connection.in_atomic_block)()
            await sync_to_async(connections.close_all)()
            assert gone  # whose frames have the transaction still
            return open_still

    assert not asyncio.run(go_away())
    assert not StoredAnswer.objects.exists()
