"""A view of Django REST framework knows its caller in its own way; a key never makes another of them.

Which way it knows them by is Python's; of each promise PostgreSQL shows one of the ways, from either kind of server.
"""

import json
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.middleware.csrf import _get_new_csrf_string
from django.test import AsyncClient, Client
from rest_framework.authtoken.models import Token

from headway.models import StoredAnswer
from tests.app.models import Thing
from tests.once import once

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.urls("tests.idempotency.rest_views"),
    pytest.mark.parametrize(
        ("served", "way", "view"),
        [
            ("wsgi", "decorated", "class"),
            ("asgi", "decorated", "class"),
            *once(
                ("wsgi", "decorated-optional", "class"),
                ("wsgi", "decorated", "set"),
                ("wsgi", "prefix", "class"),
                ("asgi", "prefix", "class"),
                ("wsgi", "prefix-optional", "class"),
            ),
        ],
    ),
]
SENT = {"json": (json.dumps({"a": 1}), "application/json"), "form": ("a=1", "application/x-www-form-urlencoded")}
as_each_type = pytest.mark.parametrize("sent", ["json", *once("form")])


@pytest.fixture(autouse=True)
def prefixes(settings: Any) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "headway.idempotency.Middleware"]
    settings.HEADWAY |= {"IDEMPOTENT_PREFIXES": {"/prefix/": "required", "/prefix-optional/": "optional"}}


def send(served: str, path: str, sent: str = "json", *, user: User | None = None, **headers: str) -> Any:
    """POST to this path with one and the same key, signed in where a user is given."""
    body, kind = SENT[sent]
    headers = {"Idempotency-Key": "8e03978e-40d5-43dd", **{name.replace("_", "-"): headers[name] for name in headers}}
    client: Any = (Client if served == "wsgi" else AsyncClient)(enforce_csrf_checks=True)
    if user:
        client.force_login(user)
    if token := headers.get("X-CSRFToken"):
        client.cookies["csrftoken"] = token
    post = client.post if served == "wsgi" else async_to_sync(client.post)
    return post(path, body, content_type=kind, headers=headers)


@as_each_type
def test_a_session_without_its_csrf_token_is_refused_by_the_view(
    served: str, way: str, view: str, sent: str, demo: User
) -> None:
    bare = send(served, f"/bare/{view}/", sent, user=demo)
    for _ in range(2):
        answer = send(served, f"/{way}/{view}/", sent, user=demo)
        assert (answer.status_code, answer.content) == (403, bare.content)
    assert not Thing.objects.exists()
    assert not StoredAnswer.objects.exists()


@as_each_type
def test_a_session_with_its_csrf_token_has_its_effect_once(
    served: str, way: str, view: str, sent: str, demo: User
) -> None:
    token = _get_new_csrf_string()
    first, second = (send(served, f"/{way}/{view}/", sent, user=demo, X_CSRFToken=token) for _ in range(2))
    assert (first.status_code, first.json()["user"], first.json()["by"]) == (201, "demo", "SessionAuthentication")
    assert first.json()["data"] in ({"a": 1}, {"a": "1"})
    assert (second.content, second["Idempotent-Replayed"]) == (first.content, "true")
    assert Thing.objects.count() == 1


def test_a_token_behind_the_session_has_its_effect_once(served: str, way: str, view: str, demo: User) -> None:
    token = f"Token {Token.objects.create(user=demo).key}"
    first, second = (send(served, f"/{way}/{view}/", Authorization=token) for _ in range(2))
    assert (first.status_code, first.json()["user"], first.json()["by"]) == (201, "demo", "TokenAuthentication")
    assert (second.content, second["Idempotent-Replayed"]) == (first.content, "true")
    assert Thing.objects.count() == 1


@pytest.mark.parametrize("headers", [{"Authorization": "Token wrong"}, *once({"X_Banned": "1"})])
def test_what_an_authenticator_refuses_the_view_answers(
    served: str, way: str, view: str, headers: dict[str, str]
) -> None:
    bare = send(served, f"/bare/{view}/", **headers)
    for _ in range(2):
        answer = send(served, f"/{way}/{view}/", **headers)
        assert (answer.status_code, answer.content) == (bare.status_code, bare.content)
    assert not Thing.objects.exists()


@pytest.mark.once
def test_nobody_in_particular_is_refused(served: str, way: str, view: str) -> None:
    assert send(served, f"/{way}/{view}/").status_code == 401
    assert not Thing.objects.exists()
