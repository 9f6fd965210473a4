"""Headway's own API and pages heed keys by themselves: the middleware leaves them alone under whatever prefix."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.middleware.csrf import _get_new_csrf_string
from django.test import Client
from rest_framework.authtoken.models import Token

from headway.models import Run, StoredAnswer
from tests.app.driving import drive
from tests.once import once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.idempotency.views"),
    pytest.mark.parametrize("policy", ["required", *once("optional")]),
]
KEY = "8e03978e-40d5-43dd"
LEDGER = "/api/operations/tests.write_ledger/runs/"


def by_session(user: User) -> Client:
    client = Client(enforce_csrf_checks=True, headers={"X-CSRFToken": (token := _get_new_csrf_string())})
    client.force_login(user)
    client.cookies["csrftoken"] = token
    return client


def by_token(user: User) -> Client:
    return Client(headers={"Authorization": f"Token {Token.objects.create(user=user).key}"})


@pytest.fixture(autouse=True)
def prefixes(settings: Any, policy: str) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "headway.idempotency.Middleware"]
    settings.HEADWAY |= {"IDEMPOTENT_PREFIXES": {"/": policy}}


@pytest.mark.parametrize("signed_in", [by_token, *once(by_session)])
def test_a_start_that_is_repeated_is_answered_with_the_run_as_it_is_now(
    demo: User, signed_in: Callable[[User], Client]
) -> None:
    client = signed_in(demo)

    def send() -> Any:
        return client.post(LEDGER, {"items": 1}, "application/json", headers={"Idempotency-Key": KEY})

    first = send()
    assert (first.status_code, first["Headway-Disposition"]) == (202, "created")
    drive(Run.objects.get())
    second = send()
    assert (second.status_code, second["Headway-Disposition"], second.json()["done"]) == (200, "replayed", True)
    assert not StoredAnswer.objects.exists()


@pytest.mark.once
def test_what_needs_no_key_needs_none_there(demo: User) -> None:
    client = by_token(demo)
    run = client.post(LEDGER, {"items": 1}, "application/json").json()
    assert client.post(f"/api/runs/{run['id']}/cancel/").json()["id"] == run["id"]
    browser = Client()
    browser.force_login(demo)
    assert browser.post("/start/tests.write_ledger/", {"items": "1", "work_us": "0"}).status_code == 303
