"""Requests with one key at the same moment, and a process that is killed between the effect and the answer."""

import asyncio
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
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

from .test_idempotent import KEY, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.idempotency.views")]

URLS = {"TEST_URLCONF": "tests.idempotency.views"}
CALL = """
import sys, django
django.setup()
from django.contrib.auth.models import User
from django.test import Client
client = Client()
client.force_login(User.objects.get(username="demo"))
answer = client.post("/order/", {"how": sys.argv[1]}, headers={"Idempotency-Key": sys.argv[2]})
print(answer.status_code, answer.content)
"""


def signed_in(user: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def test_of_forty_at_once_one_has_its_effect_and_all_get_its_answer(demo: User) -> None:
    answer_all(demo, 40)


@pytest.mark.postgresql
def test_it_is_so_in_stricter_isolation_levels(demo: User) -> None:
    options = connection.settings_dict["OPTIONS"]
    options["isolation_level"] = IsolationLevel.SERIALIZABLE
    connection.close()
    try:
        answer_all(demo, 12)
    finally:
        del options["isolation_level"]
        connection.close()


def answer_all(user: User, number: int) -> None:
    """Of so many at once, one has its effect."""
    clients = [signed_in(user) for _ in range(number)]

    def ask(client: Client) -> tuple[int, bytes, bool]:
        try:
            answer = send(client, "/order/")
            return answer.status_code, answer.content, "Idempotent-Replayed" in answer
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(clients)) as pool:
        given = list(pool.map(ask, clients))
    assert Thing.objects.count() == 1
    assert {(status, body) for status, body, _ in given} == {(201, given[0][1])}
    assert Counter(replayed for *_, replayed in given) == {False: 1, True: number - 1}


@pytest.fixture
def first_at_work(demo: User) -> Any:
    """A client, while the view of another request with the key is at work: its transaction is open."""
    client = signed_in(demo)
    holds, over = threading.Event(), threading.Event()

    def hold() -> None:
        with transaction.atomic():
            if connection.vendor == "postgresql":
                row = {"principal": f"user {demo.pk}", "key": KEY, "fingerprint": "f"}
                StoredAnswer.objects.create(**row)
            else:
                Thing.objects.create(name="first", code="first")
            holds.set()
            over.wait(20)
        connections.close_all()

    thread = threading.Thread(target=hold)
    thread.start()
    holds.wait(20)
    yield client
    over.set()
    thread.join()


def test_one_that_waits_in_vain_is_told_to_come_back(first_at_work: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answers, "PATIENCE", 0.3)
    answer = send(first_at_work, "/order/")
    assert_problem(answer, "request-in-progress")
    assert answer["Retry-After"] == "1"


def test_a_process_that_is_killed_between_effect_and_answer_leaves_nothing(demo: User) -> None:
    killed = subprocess.run([sys.executable, "-c", CALL, "kill", KEY], env=environment() | URLS, check=False)
    assert killed.returncode == -9
    assert (Thing.objects.count(), StoredAnswer.objects.count()) == (0, 0)
    assert send(signed_in(demo), "/order/").status_code == 201
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
