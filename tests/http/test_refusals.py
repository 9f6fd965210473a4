"""Bad input over HTTP: each with its problem type, and nothing left behind."""

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from headway.models import IdempotencyKey, Part, Run
from headway.runs import start
from tests.app.driving import drive
from tests.http import operations  # noqa: F401  (they register themselves)

from .client import JSON, Api, assert_problem, path

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

PEOPLE, JOIN = "tests.http_people", "tests.http_join"
KEY = {"Idempotency-Key": "a-key-that-must-not-stay"}


@pytest.fixture(autouse=True)
def nothing_left_behind(transactional_db: None, media: Path) -> Iterator[None]:
    """No run, no part, no key and no file, whatever was sent."""
    yield
    assert not Run.objects.exists()
    assert not Part.objects.exists()
    assert not IdempotencyKey.objects.exists()
    assert [each for each in media.rglob("*") if each.is_file()] == []


def send(api: Api, body: bytes, content_type: str = JSON, operation: str = JOIN) -> Any:
    return api.post(path("start", operation), body, content_type, headers=KEY)


def upload(api: Api, content: bytes, **given: Any) -> Any:
    return api.upload(PEOPLE, {"file": SimpleUploadedFile("people.csv", content), **given}, **KEY)


def errors(response: Any) -> list[tuple[str, str]]:
    return [(error["pointer"], error["code"]) for error in assert_problem(response, "validation")["errors"]]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"\xff\xfe",
        b'{"count": NaN}',
        b'{"count": 1, "count": 2}',
        b"[" * 100_000,
        b'{"count": ' + b"9" * 5_000 + b"}",
        b"count=1",
    ],
)
def test_malformed_json(api: Api, body: bytes) -> None:
    assert_problem(send(api, body), "malformed")


@pytest.mark.parametrize("body", [b"[]", b'"count"', b"1", b"null", b"true"])
def test_json_that_is_no_object(api: Api, body: bytes) -> None:
    assert errors(send(api, body)) == [("", "type")]


@pytest.mark.parametrize("value", ["1", 1.5, True, [1], {"a": 1}])
def test_wrong_types(api: Api, value: Any) -> None:
    assert errors(send(api, json.dumps({"count": value}).encode())) == [("/count", "type")]


@pytest.mark.parametrize(
    ("given", "count"),
    [
        ({f"no-such-parameter-{number}": 1 for number in range(60_000)}, 100),
        ({f"{'n' * 10_000}{number}": 1 for number in range(200)}, 100),
        ({"colours": [{}] * 300_000}, 100),
        ({"colours": ["x" * 1_000_000]}, 2),  # and the file is missing
    ],
)
def test_however_much_is_wrong_at_most_100_errors_are_told_each_shortened(
    api: Api, given: dict[str, Any], count: int
) -> None:
    response = send(api, json.dumps(given).encode(), operation=PEOPLE if "colours" in given else JOIN)
    told = assert_problem(response, "validation")["errors"]

    assert len(response.content) < 100_000
    assert len(told) == count
    assert (told[-1]["code"] == "more") is (count == 100)


def test_values_out_of_bounds(api: Api) -> None:
    assert errors(send(api, b'{"count": -1}')) == [("/count", "min_value")]


@pytest.mark.parametrize("name", ["cuont", "", "a/b~c", "\ud800", "\0"])
def test_unknown_keys(api: Api, name: str) -> None:
    pointer = "/" + name.replace("~", "~0").replace("/", "~1")
    assert errors(send(api, json.dumps({name: 1}).encode())) == [(pointer, "unknown")]


def test_text_that_a_database_cannot_keep(api: Api) -> None:
    assert errors(send(api, b'{"reject": "\\ud800"}')) == [("/reject", "not-storable")]
    assert errors(send(api, b'{"reject": "\\u0000"}'))[0][0] == "/reject"


def test_no_file(api: Api) -> None:
    assert errors(api.upload(PEOPLE, {"copies": "2"}, **KEY)) == [("/file", "required")]
    assert errors(send(api, b"{}", operation=PEOPLE)) == [("/file", "required")]


def test_a_text_in_place_of_a_file(api: Api) -> None:
    assert errors(api.upload(PEOPLE, {"file": "name\nAda"}, **KEY)) == [("/file", "type")]
    assert errors(send(api, b'{"file": "name"}', operation=PEOPLE)) == [("/file", "type")]


def test_two_files_in_place_of_one(api: Api) -> None:
    two = [SimpleUploadedFile("a.csv", b"name\nAda\n"), SimpleUploadedFile("b.csv", b"name\nBob\n")]
    response = api.upload(PEOPLE, {"file": two}, **KEY)
    assert errors(response) == [("/file", "type")]
    assert "This takes one file; 2 were sent." in response.text


def test_a_file_in_place_of_a_text(api: Api) -> None:
    extra = SimpleUploadedFile("b.csv", b"name\nBob\n")
    assert errors(upload(api, b"name\nAda\n", more=extra)) == [("/more", "type")]
    assert errors(upload(api, b"name\nAda\n", colours=[extra, extra])) == [
        ("/colours/0", "type"),
        ("/colours/1", "type"),
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"PK\x03\x04 a workbook", "workbook"),
        (b"\x89PNG\r\n", "binary"),
        (b"title\nAda\n", "missing-columns"),
        (b"name\n\xff\n", "undecodable"),
        (b"name\n" + b"Ada\n" * 30_000, "too-big"),
    ],
)
def test_files_that_are_no_csv(api: Api, content: bytes, code: str) -> None:
    assert errors(upload(api, content)) == [("/file", code)]


@pytest.mark.parametrize(("name", "text"), [("copies", "two"), ("copies", "1.5"), ("loud", "yes"), ("share", "half")])
def test_a_forms_text_that_is_no_such_value(api: Api, name: str, text: str) -> None:
    assert errors(upload(api, b"name\nAda\n", **{name: text})) == [(f"/{name}", "type")]


def test_a_forms_text_sent_twice(api: Api) -> None:
    assert errors(upload(api, b"name\nAda\n", copies=["1", "2"])) == [("/copies", "type")]


def test_an_upload_past_the_limit(api: Api, settings: Any) -> None:
    settings.HEADWAY = {"MAX_UPLOAD_BYTES": 1000}
    assert_problem(upload(api, b"name\n" + b"Ada\n" * 250), "payload-too-large")


def test_json_past_the_limit(api: Api, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert_problem(send(api, b'{"reject": "' + b"x" * 100 + b'"}'), "payload-too-large")


def test_a_forms_texts_past_the_limit(api: Api, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    assert_problem(upload(api, b"name\nAda\n", more="x" * 200), "payload-too-large")


def test_too_many_fields_in_a_form(api: Api, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_NUMBER_FIELDS = 3
    assert_problem(upload(api, b"name\nAda\n", colours=["red"] * 5), "malformed")


@pytest.mark.parametrize("content_type", ["text/plain", "application/xml", "application/x-www-form-urlencoded", "json"])
def test_a_wrong_content_type(api: Api, content_type: str) -> None:
    assert_problem(send(api, b'{"count": 1}', content_type), "unsupported-media-type")


@pytest.mark.parametrize(
    ("operation", "said"),
    [
        (JOIN, "send the parameters as application/json."),
        (PEOPLE, "send the parameters as application/json or multipart/form-data."),
    ],
)
def test_a_wrong_content_type_is_told_the_right_one(api: Api, operation: str, said: str) -> None:
    """As curl sends it without a word."""
    response = send(api, b'{"count": 1}', "application/x-www-form-urlencoded", operation)
    assert response.json()["detail"] == f"The body's Content-Type is 'application/x-www-form-urlencoded'; {said}"


@pytest.mark.parametrize("more", ['"\\u0000"', '{"a": ["\\u0000"]}', '{"\\u0000": 1}', '"\\ud800"'])
def test_json_that_no_database_keeps(api: Api, more: str) -> None:
    assert errors(upload(api, b"name\nAda\n", more=more))[0][0].startswith("/more")


@pytest.mark.parametrize("coding", ["gzip", "br", "x-unknown"])
def test_a_compressed_body(api: Api, coding: str) -> None:
    body = gzip.compress(b'{"count": 1}')
    response = api.post(path("start", JOIN), body, JSON, headers=KEY | {"Content-Encoding": coding})
    assert_problem(response, "unsupported-media-type")
    assert response["Accept-Encoding"] == "identity"


def test_a_form_where_no_parameter_is_a_file(api: Api) -> None:
    assert_problem(api.upload(JOIN, {"count": "1"}, **KEY), "unsupported-media-type")


def test_a_form_where_no_parameter_is_a_file_from_a_browser_whose_csrf_token_was_in_it(demo: Any) -> None:
    browser = Api(enforce_csrf_checks=True)
    browser.force_login(demo)
    browser.cookies["csrftoken"] = "t" * 32
    given = {"count": "7", "csrfmiddlewaretoken": "t" * 32}
    assert_problem(browser.upload(JOIN, given), "unsupported-media-type")


@pytest.mark.parametrize(
    "content_type", ["multipart/form-data", "multipart/form-data; boundary=", "multipart/form-data; boundary=é"]
)
def test_a_form_without_a_boundary(api: Api, content_type: str) -> None:
    assert_problem(send(api, b"--x\r\n", content_type, PEOPLE), "malformed")


def test_a_form_without_a_boundary_from_a_browser(demo: Any) -> None:
    browser = Api(enforce_csrf_checks=True)
    browser.force_login(demo)
    browser.cookies["csrftoken"] = "t" * 32
    assert_problem(send(browser, b"--x\r\n", "multipart/form-data; boundary=", PEOPLE), "malformed")


def test_a_body_of_unknown_length(api: Api) -> None:
    response = api.generic("POST", path("start", JOIN), b"", headers=KEY | {"Transfer-Encoding": "chunked"})
    assert_problem(response, "malformed")


@pytest.mark.parametrize("name", ["no.such", "tests.http_joi", "é", "a b", "a%2Fb", "x" * 500])
def test_an_unknown_operation(api: Api, name: str) -> None:
    body = assert_problem(api.start(name, {}), "not-found")
    assert "tests.http_join" not in body["detail"]


@pytest.mark.parametrize(
    "key",
    [
        "k" * 7,
        "k" * 256,
        '"' + "k" * 7 + '"',
        "",
        '""',
        "with space",
        "new\nline-key",
        "ünïcödé-key",
        '"not-closed',
        '"a-key-with"more',
        '"bad \\escape"',
        "first-key,second-key",
        "first-key, second-key",
        '"first-key", "second-key"',
        "del\x7fete-key",
    ],
)
def test_keys_that_are_none(api: Api, key: str) -> None:
    assert_problem(api.start(JOIN, {}, key), "idempotency-key-invalid")


def test_a_key_is_refused_before_an_upload_is_stored(api: Api) -> None:
    file = SimpleUploadedFile("people.csv", b"name\nAda\n")
    assert_problem(api.upload(PEOPLE, {"file": file}, **{"Idempotency-Key": "short"}), "idempotency-key-invalid")


def test_bad_parameters_do_not_use_the_key_up(api: Api) -> None:
    assert_problem(send(api, b'{"count": -1}'), "validation")
    response = api.start(JOIN, {}, KEY["Idempotency-Key"])
    assert response["Headway-Disposition"] == "created"
    api.post(path("run-cancel", response.json()["id"]))
    api.delete(response["Location"])
    IdempotencyKey.objects.all().delete()  # it would stay for a day


@pytest.mark.parametrize("run_id", ["no-uuid", "00000000-0000-4000-8000-000000000000", "0" * 32, "x" * 36])
@pytest.mark.parametrize("rest", ["", "pause/", "resume/", "cancel/", "retry/", "items/", "failures.csv"])
def test_runs_that_are_not_there(api: Api, run_id: str, rest: str) -> None:
    ask: Callable[..., Any] = api.get if rest in ("", "items/", "failures.csv") else api.post
    assert_problem(ask(f"{path('runs')}{run_id}/{rest}"), "not-found")


def test_a_foreign_run_and_actions_that_the_state_does_not_allow(api: Api, demo: Any, other: Api) -> None:
    run = drive(start(JOIN, user=demo).run)
    assert_problem(other.post(path("run-cancel", run.pk)), "not-found")
    for action in ("pause", "resume", "cancel"):
        assert_problem(api.post(path(f"run-{action}", run.pk)), "invalid-state")
    assert Run.objects.count() == 1
    api.delete(path("run", run.pk))
