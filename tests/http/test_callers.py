"""Callers by a header: they get tickets for what a browser opens by itself, and `live` knows them as REST does."""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import RequestFactory
from django.utils.module_loading import import_string
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, PermissionDenied
from rest_framework.views import APIView

from headway.http.callers import by_header
from headway.live.admission.callers import Refused
from headway.live.admission.tickets import read
from headway.runs import start
from tests.http import operations  # noqa: F401  (they register themselves)

from .client import JSON, Api, assert_problem, path

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

TICKETED = ("events", "socket")


def ticket(link: str) -> str:
    return parse_qs(urlsplit(link).query)["ticket"][0]


def test_every_answer_with_a_run_carries_its_tickets(api: Api, demo: Any) -> None:
    run_id = api.start("tests.http_join").json()["id"]
    answers = [
        api.get(path("run", run_id)).json(),
        api.get(path("runs")).json()["results"][0],
        api.post(path("run-cancel", run_id)).json(),
    ]
    for run in answers:
        for name in TICKETED:
            holder = read(ticket(run["links"][name]), run_id)
            assert holder is not None
            assert holder.user_key == str(demo.pk)
        assert "ticket" not in run["links"]["wait"]


def test_a_browser_with_a_session_gets_none(demo: Any) -> None:
    browser = Api()
    browser.force_login(demo)
    run = start("tests.http_join", user=demo).run
    links = browser.get(path("run", run.pk)).json()["links"]
    assert not any("ticket" in link for link in links.values())


def test_a_ticket_opens_the_stream_without_a_header(api: Api, nobody: Api) -> None:
    links = api.start("tests.http_join").json()["links"]
    response = nobody.get(links["events"])
    assert response.status_code == 200
    assert b'"type":"snapshot"' in response.content


def test_a_headers_user_is_known_and_no_other(demo: Any) -> None:
    def asked(**headers: str) -> Any:
        return by_header(RequestFactory().get("/", headers=headers))

    assert asked(Authorization="Token demo") == demo
    with pytest.raises(Refused):
        asked(Authorization="Token forged")
    assert asked(Authorization="Bearer demo") is None
    assert asked() is None


BASIC, SESSION, TOKEN = (
    f"rest_framework.authentication.{kind}Authentication" for kind in ("Basic", "Session", "Token")
)


@pytest.fixture
def callers(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """callers([SESSION]): how the project's API knows its callers."""

    def known_by(kinds: list[str]) -> None:
        settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {"DEFAULT_AUTHENTICATION_CLASSES": kinds}
        monkeypatch.setattr(APIView, "authentication_classes", [import_string(kind) for kind in kinds])

    return known_by


@pytest.mark.parametrize(
    ("kinds", "status"), [([BASIC, SESSION], 401), ([SESSION, BASIC], 200), ([BASIC], 401), ([SESSION], 200), ([], 200)]
)
def test_a_wrong_header_beside_a_session_is_judged_alike_everywhere(
    callers: Any, demo: Any, kinds: list[str], status: int
) -> None:
    callers(kinds)
    browser = Api(HTTP_AUTHORIZATION="Basic d3Jvbmc6d3Jvbmc=")
    browser.force_login(demo)
    run = start("tests.http_join", user=demo).run
    for name in ("run", "run-events", "run-wait", "run-items"):
        assert browser.get(path(name, run.pk)).status_code == status


def test_where_the_api_knows_no_sessions_the_pages_buttons_and_downloads_do(callers: Any, demo: Any) -> None:
    callers([TOKEN])
    browser = Api(enforce_csrf_checks=True)
    browser.force_login(demo)
    browser.cookies["csrftoken"] = "t" * 32
    run = start("tests.http_join", user=demo).run
    assert browser.get(path("run", run.pk)).status_code == 200
    assert browser.get(path("run-failures", run.pk, "csv")).status_code == 200
    assert_problem(browser.post(path("run-cancel", run.pk), b"", JSON), "forbidden")  # nobody else's page may press it
    pressed = browser.post(path("run-cancel", run.pk), b"", JSON, headers={"X-CSRFToken": "t" * 32})
    assert pressed.status_code in (200, 202)
    assert_problem(Api().get(path("run", run.pk)), "unauthenticated")


class Away(APIException):
    status_code = 503
    default_detail = "The directory doesn't answer."


class Authenticator(BaseAuthentication):
    """Answers with this instead of a user."""

    answer: type[APIException] = Away

    def authenticate(self, request: Any) -> Any:
        raise self.answer


@pytest.mark.parametrize("name", ["run-events", "run-wait"])
@pytest.mark.parametrize(
    ("answer", "slug"),
    [(Away, "overloaded"), (PermissionDenied, "forbidden"), (AuthenticationFailed, "unauthenticated")],
    ids=["away", "forbids", "knows nobody"],
)
def test_a_stream_tells_what_the_authenticator_said_as_rest_does(
    settings: Any, monkeypatch: pytest.MonkeyPatch, nobody: Api, name: str, answer: type[APIException], slug: str
) -> None:
    settings.REST_FRAMEWORK = settings.REST_FRAMEWORK | {
        "DEFAULT_AUTHENTICATION_CLASSES": ["tests.http.test_callers.Authenticator"]
    }
    monkeypatch.setattr(Authenticator, "answer", answer)
    run = start("tests.http_join").run
    assert_problem(nobody.get(path(name, run.pk)), slug)
