"""Whatever goes wrong under the API is a problem: Django's own errors, the project's settings."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, UnreadablePostError
from django.test import override_settings
from django.urls import clear_url_caches
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import APIException, AuthenticationFailed, ValidationError
from rest_framework.settings import api_settings
from rest_framework.throttling import UserRateThrottle

from headway.http.endpoint import Endpoint
from headway.http.runs import Runs
from headway.models import Run
from headway.runs import start
from tests.app.driving import drive
from tests.http import operations  # noqa: F401  (they register themselves)

from .client import Api, assert_problem, path

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

JOIN = "tests.http_join"


def raising(error: Exception) -> Any:
    """A view of ours in which this goes wrong."""

    class Failing(Endpoint):
        def get(self, request: Any) -> None:
            raise error

    return Failing.as_view()


def ask(view: Any, user: Any) -> Any:
    request = HttpRequest()
    request.method, request.path = "GET", "/api/failing/"
    request._force_auth_user = user  # type: ignore[attr-defined]
    return view(request)


@pytest.mark.parametrize("address", ["nothing/", "runs", "runs/x/y/z", "operations/a/b/", "events/more", "runs/x/"])
def test_an_address_that_is_none_is_not_found(api: Api, address: str) -> None:
    assert_problem(api.get(f"/api/{address}"), "not-found")
    assert_problem(api.post(f"/api/{address}"), "not-found")


def test_an_address_outside_is_the_projects_own(api: Api) -> None:
    response = api.get("/nothing/")
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")


def test_a_host_that_is_not_allowed_is_malformed(api: Api) -> None:
    assert_problem(api.get(path("runs"), headers={"Host": "evil.example"}), "malformed")
    assert api.get("/login/", headers={"Host": "evil.example"})["Content-Type"].startswith("text/html")


@pytest.mark.parametrize("method", ["put", "patch", "options", "trace", "delete"])
def test_a_method_without_meaning_says_which_have_one(api: Api, method: str) -> None:
    response = getattr(api, method)(path("runs"))
    assert_problem(response, "method-not-allowed")
    assert response["Allow"] == "GET, HEAD"


def test_nobody_is_unauthenticated_and_told_how_to_sign_in(nobody: Api) -> None:
    response = nobody.get(path("runs"))
    assert_problem(response, "unauthenticated")
    assert response["WWW-Authenticate"] == "Token"


def test_a_token_that_is_none_is_unauthenticated() -> None:
    assert_problem(Api("forged").get(path("runs")), "unauthenticated")


def test_a_user_who_was_locked_out_is_unauthenticated(api: Api, demo: Any) -> None:
    demo.is_active = False
    demo.save()
    assert_problem(api.get(path("runs")), "unauthenticated")


def test_where_only_sessions_are_known_it_is_401_all_the_same(demo: Any) -> None:
    from rest_framework.authentication import SessionAuthentication

    response = ask(Runs.as_view(authentication_classes=[SessionAuthentication]), None)
    assert_problem(response, "unauthenticated")
    assert response["WWW-Authenticate"].startswith("Session")


def test_a_session_without_its_csrf_token_is_forbidden(demo: Any) -> None:
    browser = Api(enforce_csrf_checks=True)
    browser.force_login(demo)
    assert "CSRF" in assert_problem(browser.start(JOIN), "forbidden")["detail"]
    assert not Run.objects.exists()


@pytest.fixture
def no_counts() -> Iterator[None]:
    """Throttles count from nothing."""
    cache.clear()
    yield
    cache.clear()


def test_starts_are_throttled_for_each_user_by_the_projects_rate(api: Api, other: Api, no_counts: None) -> None:
    rates = {**api_settings.user_settings, "DEFAULT_THROTTLE_RATES": {"headway-start": "2/min"}}
    with override_settings(REST_FRAMEWORK=rates):
        assert [api.start(JOIN).status_code for _ in range(2)] == [202, 202]
        response = api.start(JOIN)
        assert other.start(JOIN).status_code == 202
        assert api.get(path("runs")).status_code == 200

    assert_problem(response, "rate-limited")
    assert 1 <= int(response["Retry-After"]) <= 60


def test_without_a_rate_starts_are_not_throttled(api: Api, no_counts: None) -> None:
    assert {api.start(JOIN).status_code for _ in range(50)} == {202}


def test_the_projects_own_throttles_are_honoured(demo: Any, no_counts: None) -> None:
    class Once(UserRateThrottle):
        rate = "1/hour"

    view = Runs.as_view(throttle_classes=[Once])
    assert ask(view, demo).status_code == 200
    response = ask(view, demo)
    assert_problem(response, "rate-limited")
    assert int(response["Retry-After"]) > 3000


class Refusal(APIException):
    """What an authenticator or a throttle of the project's may raise: any status, with its reason."""

    def __init__(self, status: int, detail: Any = "The sign-in service is away.", wait: float | None = None) -> None:
        super().__init__(detail)
        self.status_code, self.wait = status, wait


def refusing(error: APIException) -> Any:
    """Our list of runs, under an authenticator that raises this."""

    class Authenticator(BaseAuthentication):
        def authenticate(self, request: Any) -> None:
            raise error

    return Runs.as_view(authentication_classes=[Authenticator])


@pytest.mark.parametrize(
    ("status", "slug"),
    [
        (400, "malformed"),
        (401, "unauthenticated"),
        (403, "forbidden"),
        (404, "not-found"),
        (405, "method-not-allowed"),
        (413, "payload-too-large"),
        (415, "unsupported-media-type"),
        (429, "rate-limited"),
        (503, "overloaded"),
    ],
)
def test_what_the_project_refuses_keeps_its_status_and_its_reason(status: int, slug: str) -> None:
    response = ask(refusing(Refusal(status)), None)
    assert assert_problem(response, slug)["detail"] == "The sign-in service is away."


@pytest.mark.parametrize(("status", "title"), [(402, "Payment Required"), (409, "Conflict"), (502, "Bad Gateway")])
def test_a_status_that_no_problem_has_says_all_there_is_to_say(status: int, title: str) -> None:
    response = ask(refusing(Refusal(status)), None)
    assert response.status_code == status
    assert response["Content-Type"] == "application/problem+json"
    assert json.loads(response.content) == {
        "type": "about:blank", "title": title, "status": status, "detail": "The sign-in service is away.",
    }  # fmt: skip


@pytest.mark.parametrize(("status", "wait", "told"), [(503, 7.2, "8"), (503, None, "2"), (429, 3, "3"), (423, 9, "9")])
def test_the_projects_refusal_says_when_to_try_again(status: int, wait: float | None, told: str) -> None:
    assert ask(refusing(Refusal(status, wait=wait)), None)["Retry-After"] == told


def test_all_that_the_projects_refusal_has_to_say_is_one_text() -> None:
    response = ask(refusing(ValidationError({"tenant": ["Which one?", "Say it."]})), None)
    assert assert_problem(response, "malformed")["detail"] == "tenant: Which one? Say it."


@pytest.mark.parametrize("error", [APIException("the secret of the inside"), Refusal(302), Refusal(0)])
def test_a_refusal_that_names_no_refusals_status_is_a_mistake(error: APIException) -> None:
    response = ask(refusing(error), None)
    assert_problem(response, "server-error")
    assert b"secret" not in response.content


def test_a_sign_in_that_fails_for_another_reason_keeps_its_status() -> None:
    class Away(AuthenticationFailed):
        status_code = 503

    assert_problem(ask(refusing(Away()), None), "overloaded", fallback="poll")


@pytest.mark.parametrize("error", [SuspiciousOperation("x"), UnreadablePostError("x")])
def test_what_django_calls_a_bad_request_is_malformed(demo: Any, error: Exception) -> None:
    assert_problem(ask(raising(error), demo), "malformed")


def test_a_mistake_of_ours_tells_the_project_and_no_client(demo: Any, caplog: Any) -> None:
    from django.core.signals import got_request_exception

    told = []
    got_request_exception.connect(hear := lambda **given: told.append(given["request"].path), weak=False)
    try:
        response = ask(raising(RuntimeError("the secret of the inside")), demo)
    finally:
        got_request_exception.disconnect(hear)

    assert_problem(response, "server-error")
    assert b"secret" not in response.content
    assert told == ["/api/failing/"]
    assert "the secret of the inside" in caplog.text


def test_an_error_before_any_endpoint_is_a_problem_too(settings: Any, demo: Any) -> None:
    settings.MIDDLEWARE = ["tests.http.test_problems.break_down"]
    broken = Api("demo", raise_request_exception=False)
    assert_problem(broken.get(path("runs")), "server-error")
    assert broken.get("/login/")["Content-Type"].startswith("text/html")


def break_down(get_response: Any) -> Any:
    """A middleware with a mistake."""

    def middleware(request: HttpRequest) -> Any:
        raise RuntimeError("a middleware's mistake")

    return middleware


def test_runs_that_were_deleted_meanwhile_are_not_found(api: Api, demo: Any) -> None:
    run = drive(start(JOIN, user=demo).run)
    api.delete(path("run", run.pk))
    for action in ("pause", "resume", "cancel", "retry"):
        assert_problem(api.post(path(f"run-{action}", run.pk)), "not-found")


def test_a_project_with_other_defaults_gets_the_same_api(demo: Any) -> None:
    rest = {
        **api_settings.user_settings,
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.BrowsableAPIRenderer"],
        "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.FormParser"],
        "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
        "DEFAULT_VERSIONING_CLASS": "rest_framework.versioning.AcceptHeaderVersioning",
        "EXCEPTION_HANDLER": "rest_framework.views.exception_handler",
        "UNICODE_JSON": True,
    }
    with override_settings(REST_FRAMEWORK=rest):
        clear_url_caches()
        api = Api("demo")
        assert api.get(path("runs"), headers={"Accept": "text/html"})["Content-Type"] == "application/json"
        assert_problem(api.get(f"{path('runs')}?limit=x&format=html"), "malformed")
        assert api.start(JOIN, {}).status_code == 202
