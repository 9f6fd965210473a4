"""The scenarios of draft-ietf-httpapi-idempotency-key-header, and what is ours beside them, by views of every kind."""

import json
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import _get_new_csrf_string
from django.test import AsyncClient, Client
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from rest_framework.authtoken.models import Token

from headway.idempotency import Middleware, idempotent
from headway.models import Run, StoredAnswer
from headway.store import answers
from tests.app.models import Thing
from tests.http.client import assert_problem
from tests.once import once

from .views import OrderView

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.urls("tests.idempotency.views")]

KEY = "8e03978e-40d5-43dd"
FORM = "application/x-www-form-urlencoded"
KINDS = ["/order/", "/rest/", "/async/", *once("/rest-function/", "/async-class/", "/open/")]
every_kind = pytest.mark.parametrize("path", KINDS)
plain_and_coroutine = pytest.mark.parametrize("path", ["/order/", "/async/"])


async def by_nobody(request: HttpRequest) -> str:
    return "a coroutine is another each time"


@pytest.fixture
def client(demo: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(demo)
    return client


def send(client: Client, path: str, key: str | None = KEY, **fields: Any) -> Any:
    """POST these fields with this key."""
    return client.post(path, fields, headers={} if key is None else {"Idempotency-Key": key})


@every_kind
class TestEachKindOfView:
    def test_the_same_request_again_has_no_effect_and_gets_the_same_answer(self, client: Client, path: str) -> None:
        first, second = send(client, path), send(client, path)
        assert first.status_code == second.status_code == 201
        assert first.content == second.content
        assert first["Content-Type"] == second["Content-Type"]
        assert "Idempotent-Replayed" not in first
        assert second["Idempotent-Replayed"] == "true"
        assert Thing.objects.count() == 1

    def test_another_key_is_another_request(self, client: Client, path: str) -> None:
        send(client, path)
        assert send(client, path, key="another-key").status_code == 201
        assert Thing.objects.count() == 2

    def test_the_key_with_another_body_is_refused(self, client: Client, path: str) -> None:
        send(client, path)
        assert_problem(send(client, path, name="other"), "idempotency-key-reused")
        assert Thing.objects.count() == 1

    def test_without_a_key_it_says_what_is_missing(self, client: Client, path: str) -> None:
        assert_problem(send(client, path, key=None), "idempotency-key-required")
        assert Thing.objects.count() == 0

    def test_a_key_that_is_none_is_refused(self, client: Client, path: str) -> None:
        for key in (
            "short",
            "with blank",
            '"open',
            "a,comma-it-is",
            "x" * 256,
            f'"{KEY}";',
            f'"{KEY}";V=1',
            f'"{KEY}", "b"',
        ):
            assert_problem(send(client, path, key=key), "idempotency-key-invalid")

    def test_a_quoted_key_is_the_same_as_a_bare_one(self, client: Client, path: str) -> None:
        first = send(client, path)
        for quoted in (f'"{KEY}"', f'"{KEY}";v=1', f'"{KEY}"; a;b*="x;,\\"y"; c=?1;d=:YQ==:'):  # RFC 9651, 3.1.2
            assert send(client, path, key=quoted).content == first.content

    def test_an_answer_is_forgotten_after_a_day(self, client: Client, path: str) -> None:
        send(client, path)
        StoredAnswer.objects.update(created_at=F("created_at") - timedelta(hours=25))
        send(client, path)
        assert (Thing.objects.count(), StoredAnswer.objects.count()) == (2, 1)
        StoredAnswer.objects.update(created_at=F("created_at") - timedelta(hours=25))
        answers.forget_expired()
        assert StoredAnswer.objects.count() == 0


@pytest.mark.parametrize(("path", "how"), [
    ("/order/", "raise"), ("/order/", "503"), ("/rest/", "raise"), ("/async/", "raise"),
    *once(("/async/", "503"), ("/order/", "raise-404"), ("/order/", "401"), ("/order/", "403"), ("/order/", "429")),
])  # fmt: skip
def test_what_fails_or_refuses_to_begin_leaves_neither_effect_nor_answer(client: Client, path: str, how: str) -> None:
    assert send(client, path, how=how).status_code >= 401
    assert (Thing.objects.count(), StoredAnswer.objects.count()) == (0, 0)
    assert "Idempotent-Replayed" not in send(client, path, how=how)


@pytest.mark.parametrize("path", ["/order/", "/async/", *once("/rest/", "/plain/orders/")])
def test_a_success_whose_effects_can_only_be_undone_is_an_error_that_says_what_to_do(
    client: Client, path: str, settings: Any, caplog: Any
) -> None:
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "headway.idempotency.Middleware"]
    settings.HEADWAY |= {"IDEMPOTENT_PREFIXES": {"/plain/": "required"}}
    assert send(client, path, how="caught").status_code == 500
    assert "Put the statement that may fail into a `with transaction.atomic():` of its own" in caplog.text
    assert (Thing.objects.count(), StoredAnswer.objects.count()) == (0, 0)


def test_a_refusal_whose_effects_can_only_be_undone_is_given_and_not_kept(client: Client) -> None:
    for _ in range(2):
        answer = send(client, "/order/", how="caught-409")
        assert (answer.status_code, "Idempotent-Replayed" in answer) == (409, False)
    assert (Thing.objects.count(), StoredAnswer.objects.count()) == (0, 0)


@pytest.mark.parametrize(
    ("path", "status"), [("/order/", 404), ("/async/", 404), *once(("/order/", 409), ("/order/", 422))]
)
def test_any_other_answer_is_kept_with_its_effects(client: Client, path: str, status: int) -> None:
    first, second = (send(client, path, how=str(status)) for _ in range(2))
    assert (first.status_code, second.status_code) == (status, status)
    assert second["Idempotent-Replayed"] == "true"
    assert Thing.objects.count() == 1


@plain_and_coroutine
@pytest.mark.once
def test_headers_are_kept_and_cookies_are_not(client: Client, path: str) -> None:
    first, second = send(client, path), send(client, path)
    assert first["Location"] == second["Location"]
    assert "basket" in first.cookies
    assert "basket" not in second.cookies
    first, second = (send(client, path, key="another-key", how="bare-cookie") for _ in range(2))
    assert (first.get("Set-Cookie"), second.get("Set-Cookie")) == ("basket=full", None)


@pytest.mark.parametrize(
    ("path", "how"), [("/order/", "long"), ("/async/", "long"), *once(("/order/", "stream"), ("/order/", "file"))]
)
def test_an_answer_that_can_not_be_kept_is_given_once(client: Client, path: str, how: str, caplog: Any) -> None:
    first = send(client, path, how=how)
    assert first.status_code == 200
    assert b"".join(first) if first.streaming else first.content
    assert "event=answer-not-kept" in caplog.text
    assert_problem(send(client, path, how=how), "answer-not-kept")
    assert Thing.objects.count() == 1


class TestCallers:
    @pytest.mark.parametrize("path", ["/order/", "/rest/", "/async/"])
    def test_keys_belong_to_their_user(self, client: Client, other: User, path: str) -> None:
        send(client, path)
        stranger = Client()
        stranger.force_login(other)
        assert "Idempotent-Replayed" not in send(stranger, path)
        assert Thing.objects.count() == 2

    @pytest.mark.once
    def test_nobody_in_particular_is_refused(self) -> None:
        assert_problem(send(Client(), "/order/"), "unauthenticated")
        assert Thing.objects.count() == 0

    @pytest.mark.once
    def test_a_scope_says_to_whom_the_keys_of_strangers_belong(self) -> None:
        first, second = send(Client(), "/open/"), send(Client(), "/open/")
        assert first.content == second.content
        elsewhere = Client(REMOTE_ADDR="10.0.0.9")
        assert "Idempotent-Replayed" not in send(elsewhere, "/open/")

    @pytest.mark.parametrize("said", ["x" * 3_000, "\x01\xff", "\x00"])
    def test_a_scope_may_be_any_text(self, said: str) -> None:
        def ask(said: str) -> Any:
            return Client().post("/terminal/", headers={"Idempotency-Key": KEY, "X-Terminal": said})

        first, second = ask(said), ask(said)
        assert (first.status_code, second.content) == (201, first.content)
        assert ask(f"{said}y").content != first.content

    @pytest.mark.once
    def test_a_view_may_know_its_caller_by_the_address(self, demo: User) -> None:
        first, second = (send(Client(), "/of/demo/") for _ in range(2))
        assert (first.status_code, second.content) == (201, first.content)

    @pytest.mark.once
    def test_a_token_of_django_rest_framework_is_known(self, demo: User) -> None:
        api = Client(headers={"Authorization": f"Token {Token.objects.create(user=demo).key}"})
        first, second = send(api, "/rest/"), send(api, "/rest/")
        assert first.json()["by"] == "demo"
        assert first.content == second.content
        assert Thing.objects.count() == 1

    @pytest.mark.once
    def test_a_view_that_runs_asks_its_permissions_and_a_replay_does_not(self, client: Client, demo: User) -> None:
        User.objects.update(is_staff=True)
        first = send(client, "/staff/")
        User.objects.update(is_staff=False)
        second, new = send(client, "/staff/"), send(client, "/staff/", key="another-key")
        assert (first.status_code, second.content, new.status_code) == (201, first.content, 403)

    @pytest.mark.once
    def test_a_wrong_token_gets_the_views_own_answer(self) -> None:
        api = Client(headers={"Authorization": "Token wrong"})
        assert send(api, "/rest/").status_code == 401
        assert Thing.objects.count() == 0

    @pytest.mark.once
    def test_a_form_is_protected_from_other_sites_as_before(self, demo: User) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(demo)
        assert send(client, "/protected/").status_code == 403
        assert send(client, "/rest/").status_code == 403
        assert StoredAnswer.objects.count() == 0


class TestRequests:
    @plain_and_coroutine
    def test_safe_methods_pass(self, client: Client, path: str) -> None:
        assert client.get(path).status_code == 201

    @pytest.mark.once
    def test_where_no_key_is_required_a_request_without_one_passes(self, client: Client) -> None:
        assert send(client, "/optional/", key=None).status_code == 201
        assert send(client, "/optional/", key=None).status_code == 201
        assert Thing.objects.count() == 2
        assert send(client, "/optional/").content == send(client, "/optional/").content

    @plain_and_coroutine
    def test_the_key_for_another_address_or_method_is_refused(self, client: Client, path: str) -> None:
        send(client, path)
        assert_problem(send(client, f"{path}?a=1"), "idempotency-key-reused")
        assert_problem(send(client, "/optional/"), "idempotency-key-reused")
        assert_problem(client.put(path, headers={"Idempotency-Key": KEY}), "idempotency-key-reused")

    @plain_and_coroutine
    def test_a_form_with_files_counts_by_what_it_says(self, client: Client, path: str) -> None:
        def upload(text: bytes, token: str) -> Any:
            file = SimpleUploadedFile("a.txt", text)
            return send(client, path, file=file, csrfmiddlewaretoken=token)

        large = b"x" * (3 << 20)
        assert upload(large, "one").status_code == 201
        assert upload(large, "two")["Idempotent-Replayed"] == "true"
        assert_problem(upload(large + b"y", "two"), "idempotency-key-reused")

    @plain_and_coroutine
    def test_a_form_without_files_counts_without_its_csrf_token(self, client: Client, path: str) -> None:
        def post(body: str) -> Any:
            return client.post(path, body, content_type=FORM, headers={"Idempotency-Key": KEY})

        first = post("csrfmiddlewaretoken=one&item=tea")
        assert first.status_code == 201
        for same in ("csrfmiddlewaretoken=two&item=tea", "item=tea&csrfmiddlewaretoken=three", "item=tea"):
            assert post(same).content == first.content
        assert_problem(post("item=tea&xcsrfmiddlewaretoken=three"), "idempotency-key-reused")

    @plain_and_coroutine
    def test_a_media_type_counts_without_its_parameters_and_json_by_its_bytes(self, client: Client, path: str) -> None:
        def post(body: str, kind: str) -> Any:
            return client.post(path, body, content_type=kind, headers={"Idempotency-Key": KEY})

        first = post('{"a": 1, "b": 2}', "application/json")
        for same in ("application/json; charset=utf-8", "Application/JSON;charset=UTF-8"):
            assert post('{"a": 1, "b": 2}', same).content == first.content
        assert_problem(post('{"b": 2, "a": 1}', "application/json"), "idempotency-key-reused")
        assert_problem(post('{"a": 1, "b": 2}', "text/plain"), "idempotency-key-reused")

    @pytest.mark.once
    def test_so_does_one_that_is_put_and_the_view_gets_it(self, client: Client) -> None:
        def put(text: bytes, boundary: str) -> Any:
            body = encode_multipart(boundary, {"file": SimpleUploadedFile("a.txt", text)})
            kind = f"multipart/form-data; boundary={boundary}"
            return client.put("/file/", body, content_type=kind, headers={"Idempotency-Key": KEY})

        first = put(b"one", "a-boundary")
        assert first.json()["file"] == "one"
        assert put(b"one", "another").content == first.content
        assert_problem(put(b"two", "another"), "idempotency-key-reused")
        assert Thing.objects.count() == 1

    @pytest.mark.once
    def test_a_body_that_is_too_large_to_be_read_is_told(self, client: Client) -> None:
        body = json.dumps({"text": "x" * (3 << 20)})
        answer = client.post("/order/", body, "application/json", headers={"Idempotency-Key": KEY})
        assert_problem(answer, "payload-too-large")

    @pytest.mark.parametrize(
        ("path", "kind"),
        [
            ("/order/", FORM),
            ("/async/", FORM),
            *once(("/protected/", FORM), ("/plain/orders/", FORM)),
            *once(("/order/", MULTIPART_CONTENT), ("/protected/", MULTIPART_CONTENT), ("/file/", MULTIPART_CONTENT)),
        ],
    )
    def test_a_body_that_is_cut_short_has_no_effect_and_takes_no_key(
        self, client: Client, path: str, kind: str, settings: Any
    ) -> None:
        """A WSGI server hands over what came, and then an end. CSRF's middleware has read a protected form."""
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "headway.idempotency.Middleware"]
        settings.HEADWAY |= {"IDEMPOTENT_PREFIXES": {"/plain/": "required"}}
        whole = encode_multipart(BOUNDARY, {"file": SimpleUploadedFile("a.txt", b"x" * 100_000)})
        whole = b"item=tea&quantity=100" if kind != MULTIPART_CONTENT else whole
        client.handler.enforce_csrf_checks = True
        client.cookies["csrftoken"] = token = _get_new_csrf_string()

        def ask(body: bytes) -> Any:
            came = {"CONTENT_LENGTH": str(len(whole)), "wsgi.input": BytesIO(body)}
            headers = {"Idempotency-Key": KEY, "X-CSRFToken": token}
            return client.generic("PUT" if path == "/file/" else "POST", path, body, kind, headers=headers, **came)

        told = assert_problem(ask(whole[:-2]), "malformed")["detail"]
        assert told == "The request's body is shorter than its Content-Length. Send it again, with the same key."
        assert (Thing.objects.count(), StoredAnswer.objects.count()) == (0, 0)
        assert "Idempotent-Replayed" not in ask(whole)
        assert StoredAnswer.objects.count() == 1

    def test_the_runs_that_a_view_starts_are_started_once(self, client: Client) -> None:
        first, second = (send(client, "/order/", how="start") for _ in range(2))
        assert first.json() == second.json()
        assert Run.objects.count() == 1

    def test_with_a_transaction_around_each_request(self, client: Client, settings: Any) -> None:
        settings.DATABASES["default"]["ATOMIC_REQUESTS"] = True
        try:
            assert send(client, "/order/").content == send(client, "/order/").content
            assert send(client, "/order/", key="another-key", how="503").status_code == 503
            assert send(client, "/rest/", key="a-third-key", how="refuse").status_code == 400
            assert Thing.objects.count() == 1
        finally:
            settings.DATABASES["default"]["ATOMIC_REQUESTS"] = False


class TestMiddleware:
    @pytest.fixture(autouse=True)
    def prefixes(self, settings: Any) -> None:
        settings.MIDDLEWARE = [*settings.MIDDLEWARE, "headway.idempotency.Middleware"]
        settings.HEADWAY |= {"IDEMPOTENT_PREFIXES": {"/plain/": "required", "/plain/orders/draft/": "optional"}}

    @pytest.mark.parametrize("path", ["/plain/orders/", *once("/plain/rest/", "/plain/async/")])
    def test_it_does_the_same_for_all_views_under_a_prefix(self, client: Client, path: str) -> None:
        assert_problem(send(client, path, key=None), "idempotency-key-required")
        assert send(client, path).content == send(client, path).content
        assert Thing.objects.count() == 1

    @pytest.mark.once
    def test_the_longest_prefix_decides(self, client: Client) -> None:
        assert send(client, "/plain/orders/draft/", key=None).status_code == 201

    def test_a_view_that_raises_leaves_nothing(self, client: Client) -> None:
        assert send(client, "/plain/orders/", how="raise").status_code == 500
        assert (Thing.objects.count(), StoredAnswer.objects.count()) == (0, 0)

    @pytest.mark.parametrize(
        ("path", "how", "status"),
        [
            ("/plain/orders/", "raise-404", 404),
            *once(("/plain/orders/", "raise-400", 400), ("/plain/async/", "raise-404", 404)),
        ],
    )
    def test_so_does_one_whose_exception_django_answers(self, client: Client, path: str, how: str, status: int) -> None:
        for _ in range(2):
            answer = send(client, path, how=how)
            assert (answer.status_code, "Idempotent-Replayed" in answer) == (status, False)
        assert (Thing.objects.count(), StoredAnswer.objects.count()) == (0, 0)

    @pytest.mark.once
    def test_a_view_that_has_the_decorator_goes_by_that_alone(self, client: Client, settings: Any) -> None:
        settings.HEADWAY |= {"IDEMPOTENT_PREFIXES": {"/": "optional"}}
        assert_problem(send(client, "/order/", key=None), "idempotency-key-required")
        assert_problem(send(client, "/dispatch/", key=None), "idempotency-key-required")
        assert send(Client(), "/open/").content == send(Client(), "/open/").content
        assert Thing.objects.count() == 1

    @pytest.mark.once
    def test_a_view_may_know_its_caller_by_the_address(self, demo: User) -> None:
        first, second = (send(Client(), "/plain/of/demo/") for _ in range(2))
        assert (first.status_code, second.content) == (201, first.content)

    @pytest.mark.parametrize("scope", [lambda self, request: "x", by_nobody])
    @pytest.mark.once
    def test_a_scope_that_is_none_is_refused_as_the_server_starts(self, scope: Any) -> None:
        kind = type("OurKeys", (Middleware,), {"scope": scope})
        with pytest.raises(TypeError, match=r"OurKeys: scope is <.*>; it must be a function, `def`"):
            kind(lambda request: HttpResponse())

    @pytest.mark.once
    def test_a_view_that_has_its_own_keys_is_not_wrapped_twice(self, client: Client, settings: Any) -> None:
        settings.HEADWAY |= {"IDEMPOTENT_PREFIXES": {"/": "required"}}
        assert send(client, "/order/").content == send(client, "/order/").content
        assert Thing.objects.count() == 1

    @pytest.mark.once
    def test_a_token_is_known_there_too(self, demo: User) -> None:
        api = Client(headers={"Authorization": f"Token {Token.objects.create(user=demo).key}"})
        assert send(api, "/plain/rest/").content == send(api, "/plain/rest/").content
        assert Thing.objects.count() == 1


def test_under_asgi(demo: User) -> None:
    async def ask() -> None:
        client = AsyncClient()
        await client.aforce_login(demo)
        for path in ("/async/", "/order/"):
            first, second = [await client.post(path, headers={"Idempotency-Key": KEY + path}) for _ in range(2)]
            assert first.content == second.content
            assert second["Idempotent-Replayed"] == "true"

    async_to_sync(ask)()
    assert Thing.objects.count() == 2


def test_a_view_that_gives_no_answer_leaves_nothing_and_is_named(demo: User) -> None:
    client = Client()
    client.force_login(demo)
    with pytest.raises(ValueError, match="order didn't return an HttpResponse object"):
        send(client, "/order/", how="nothing")
    assert (Thing.objects.count(), StoredAnswer.objects.count()) == (0, 0)


class TestWhereItStands:
    """At a wrong place it says which is right."""

    RIGHT = r"It stands above @api_view; the view of a class is wrapped as idempotent\(OrderView.as_view\(\)\)"

    @pytest.mark.once
    def test_on_a_class(self) -> None:
        with pytest.raises(TypeError, match=f"OrderView, a class. {self.RIGHT}"):
            idempotent(OrderView)
        with pytest.raises(TypeError, match="a class"):
            idempotent(required=False)(OrderView)

    @pytest.mark.parametrize(
        ("how", "said"),
        [
            ({"required": "optional"}, "required is 'optional'; it must be"),
            ({"scope": "x"}, "scope is 'x'; it must be"),
            ({"scope": by_nobody}, "scope is <.*>; it must be"),
            ({"scope": lambda: "x"}, "scope is <.*>; it must be"),
        ],
    )
    @pytest.mark.once
    def test_with_options_that_are_none(self, how: Any, said: str) -> None:
        with pytest.raises(TypeError, match=said):
            idempotent(**how)

    @pytest.mark.parametrize(
        ("path", "got"),
        [("/below/", "a Request"), ("/rest-method/", "a Request"), ("/plain-method/", "a PlainMethod")],
    )
    @pytest.mark.once
    def test_below_what_makes_another_request_of_it(self, demo: User, path: str, got: str) -> None:
        client = Client()
        client.force_login(demo)
        with pytest.raises(TypeError, match=f"got {got} where a view gets Django's request. {self.RIGHT}"):
            send(client, path)

    def test_on_dispatch_it_knows_the_callers_of_the_view(self, demo: User) -> None:
        api = Client(headers={"Authorization": f"Token {Token.objects.create(user=demo).key}"})
        first, second = send(api, "/dispatch/"), send(api, "/dispatch/")
        assert (first.status_code, first.json()["by"]) == (201, "demo")
        assert (second.content, second["Idempotent-Replayed"]) == (first.content, "true")
        assert Thing.objects.count() == 1


@pytest.mark.once
def test_the_problem_of_a_key_that_was_sent_before_speaks_of_requests(client: Client) -> None:
    send(client, "/order/")
    told = send(client, "/order/", name="other").json()["detail"]
    assert told == (
        f"The idempotency key '{KEY}' was sent before, with another address, method or body. "
        "Use a new key for each new request."
    )
