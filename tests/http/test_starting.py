"""Row 2 of the contract, and its table of duplicates: what a start gets, with which status and headers."""

import json
import re
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from headway.models import IdempotencyKey, Run
from headway.operations import registry
from tests.app.driving import claim, drive, fresh, work
from tests.http import operations  # noqa: F401  (they register themselves)

from .client import Api, assert_problem, path
from .conftest import Caller

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "a-key-of-my-own"
JOIN = "tests.http_join"


def run_of(response: Any) -> Run:
    return Run.objects.get(pk=response.json()["id"])


def disposition(response: Any, status: int = 202) -> str:
    assert response.status_code == status, response.content
    said: str = response["Headway-Disposition"]
    return said


@pytest.mark.once
def test_a_start_answers_202_with_the_run_and_where_it_is(api: Api) -> None:
    response = api.start(JOIN, {"count": 3})

    run = response.json()
    assert response.status_code == 202
    assert response["Content-Type"] == "application/json"
    assert response["Location"] == run["links"]["self"] == path("run", run["id"])
    assert response["Retry-After"] == "1"
    assert response["Headway-Disposition"] == "created"
    assert "Idempotent-Replayed" not in response
    assert (run["state"], run["done"], run["params"]) == ("queued", False, {"count": 3, "reject": ""})


@pytest.mark.parametrize("given", [None, {}])
@pytest.mark.once
def test_an_empty_body_is_an_empty_object_and_defaults_are_filled_in(api: Api, given: Any) -> None:
    assert api.start(JOIN, given).json()["params"] == {"count": 1, "reject": ""}


def test_a_start_asks_the_same_number_of_questions_for_ten_items_as_for_a_thousand(
    api: Api, django_assert_num_queries: Any
) -> None:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        api.start("tests.http_allow", {"count": 10})
    with django_assert_num_queries(len(few)):
        api.start("tests.http_allow", {"count": 1000})


def test_a_duplicate_while_the_run_is_live_joins_it(api: Api) -> None:
    first = api.start(JOIN, {"count": 3})
    second = api.start(JOIN, {"count": 3})

    assert disposition(second) == "joined"
    assert second.json()["id"] == first.json()["id"]


def test_other_parameters_while_the_run_is_live_are_a_conflict_that_names_it(api: Api) -> None:
    first = api.start(JOIN, {"count": 3})
    second = api.start(JOIN, {"count": 4})

    assert_problem(second, "run-conflict", existing=first["Location"])
    assert Run.objects.count() == 1


@pytest.mark.once
def test_a_dry_run_is_asked_for_beside_the_parameters(api: Api) -> None:
    address = path("start", JOIN) + "?dry_run=true"
    tried = api.post(address, '{"count": 3}', "application/json")
    real = api.start(JOIN, {"count": 3})

    assert (disposition(tried), disposition(real)) == ("created", "created")
    assert (tried.json()["dry_run"], real.json()["dry_run"]) == (True, False)
    assert disposition(api.post(address, '{"count": 3}', "application/json")) == "joined"
    assert_problem(api.post(path("start", JOIN) + "?dry_run=yes", "{}", "application/json"), "malformed")


@pytest.mark.once
def test_a_key_of_a_dry_run_starts_no_run(api: Api) -> None:
    headers = {"Idempotency-Key": KEY}
    assert disposition(api.post(path("start", JOIN) + "?dry_run=true", "{}", "application/json", headers=headers))
    assert_problem(api.start(JOIN, {}, KEY), "idempotency-key-reused")


@pytest.mark.once
def test_what_has_effects_outside_is_not_tried(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry.get(JOIN), "effects", "outside")
    refused = api.post(path("start", JOIN) + "?dry_run=true", "{}", "application/json")
    assert [error["code"] for error in assert_problem(refused, "validation")["errors"]] == ["dry-run"]
    listed = {each["name"]: each["has_dry_run"] for each in api.get(path("operations")).json()["results"]}
    assert listed[JOIN] is False
    assert listed["tests.write_ledger"] is True


@pytest.mark.once
def test_it_is_listed_when_an_operation_starts_by_itself(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry.get(JOIN), "schedule", "0  3 29 2 *")
    monkeypatch.setattr(registry.get(JOIN), "schedule_zone", "Asia/Tokyo")
    listed = {each["name"]: each for each in api.get(path("operations")).json()["results"]}

    of_one = {key: listed[JOIN][key] for key in ("schedule", "schedule_zone", "next_tick")}
    assert (of_one["schedule"], of_one["schedule_zone"]) == ("0 3 29 2 *", "Asia/Tokyo")
    assert re.fullmatch(r"20\d\d-02-28T18:00:00(\.000)?Z", of_one["next_tick"])
    assert not any(listed["tests.write_ledger"][key] for key in of_one)


@pytest.mark.once
def test_the_same_start_by_two_people_is_two_runs(api: Api, other: Api) -> None:
    assert api.start(JOIN).json()["id"] != other.start(JOIN).json()["id"]


@pytest.mark.once
def test_a_live_run_that_the_caller_may_not_see_is_a_conflict_without_a_link(api: Api, other: Api) -> None:
    first = api.start("tests.http_shared")
    second = other.start("tests.http_shared")

    body = assert_problem(second, "run-conflict")
    assert "existing" not in body
    assert first.json()["id"] not in json.dumps(body)


@pytest.mark.once
def test_reject_refuses_even_the_same_parameters(api: Api) -> None:
    first = api.start("tests.http_reject")
    assert_problem(api.start("tests.http_reject"), "run-conflict", existing=first["Location"])


def test_queue_lets_a_new_run_wait_and_joins_the_identical_one_that_waits(api: Api) -> None:
    live = api.start("tests.http_queue", {"count": 1})
    waiting = api.start("tests.http_queue", {"count": 2})
    again = api.start("tests.http_queue", {"count": 2})

    assert disposition(waiting) == "queued"
    assert waiting.json()["state"] == "queued"
    assert waiting.json()["reason"]["code"] == "behind-run"
    assert disposition(again) == "joined"
    assert again.json()["id"] == waiting.json()["id"] != live.json()["id"]
    drive(run_of(live))
    assert api.get(waiting["Location"]).json()["state"] == "succeeded"


def test_replace_cancels_the_live_run_and_starts_when_it_has_really_stopped(api: Api) -> None:
    live = api.start("tests.http_replace", {"count": 1})
    part = claim(run_of(live))
    newer = api.start("tests.http_replace", {"count": 2})

    assert disposition(newer) == "queued"
    assert api.get(live["Location"]).json()["state"] == "cancelling"
    work(part)
    assert api.get(live["Location"]).json()["state"] == "cancelled"
    assert api.get(newer["Location"]).json()["reason"]["code"] != "behind-run"


def test_replace_joins_the_identical_run_that_waits_and_cancels_any_other(api: Api) -> None:
    claim(run_of(api.start("tests.http_replace", {"count": 1})))
    second = api.start("tests.http_replace", {"count": 2})
    again = api.start("tests.http_replace", {"count": 2})
    third = api.start("tests.http_replace", {"count": 3})

    assert disposition(again) == "joined"
    assert again.json()["id"] == second.json()["id"]
    assert disposition(third) == "queued"
    assert api.get(second["Location"]).json()["state"] == "cancelled"


@pytest.mark.once
def test_allow_starts_a_new_run_beside_it(api: Api) -> None:
    first, second = api.start("tests.http_allow"), api.start("tests.http_allow")
    assert disposition(first) == disposition(second) == "created"
    assert first.json()["id"] != second.json()["id"]


def test_the_same_key_and_request_gets_the_same_run_replayed(api: Api) -> None:
    first = api.start(JOIN, {"count": 3}, KEY)
    second = api.start(JOIN, {"count": 3}, KEY)

    assert disposition(first) == "created"
    assert disposition(second) == "replayed"
    assert second["Idempotent-Replayed"] == "true"
    assert second.json()["id"] == first.json()["id"]


def test_a_replay_of_a_run_that_has_ended_is_200_with_its_state_now(api: Api) -> None:
    first = api.start(JOIN, {"count": 3}, KEY)
    drive(run_of(first))
    second = api.start(JOIN, {"count": 3}, KEY)

    assert disposition(second, 200) == "replayed"
    assert second["Location"] == first["Location"]
    assert second["Idempotent-Replayed"] == "true"
    assert second.json()["state"] == "succeeded"


@pytest.mark.parametrize(("operation", "given"), [(JOIN, {"count": 4}), ("tests.http_allow", {"count": 3})])
@pytest.mark.once
def test_the_same_key_for_something_else_is_refused(api: Api, operation: str, given: Any) -> None:
    api.start(JOIN, {"count": 3}, KEY)
    assert_problem(api.start(operation, given, KEY), "idempotency-key-reused")
    assert Run.objects.count() == 1


@pytest.mark.once
def test_two_people_with_one_key_have_two_runs(api: Api, other: Api) -> None:
    first, second = api.start(JOIN, {}, KEY), other.start(JOIN, {}, KEY)
    assert disposition(first) == disposition(second) == "created"
    assert first.json()["id"] != second.json()["id"]


def test_a_joined_start_is_replayed_by_its_own_key(api: Api) -> None:
    first = api.start(JOIN, {}, KEY)
    assert disposition(api.start(JOIN, {}, "another-key")) == "joined"
    drive(run_of(first))
    assert disposition(api.start(JOIN, {}, "another-key"), 200) == "replayed"


@pytest.mark.once
def test_a_key_may_come_quoted_or_bare(api: Api) -> None:
    first = api.start(JOIN, {}, KEY)
    assert disposition(api.start(JOIN, {}, f'"{KEY}"')) == "replayed"
    quoted = api.start("tests.http_allow", {}, r'"say-\"ok\"-\\now"')
    assert disposition(quoted) == "created"
    assert set(IdempotencyKey.objects.values_list("key", flat=True)) == {KEY, 'say-"ok"-\\now'}
    assert first.json()["id"] != quoted.json()["id"]


@pytest.mark.parametrize("length", [8, 255])
@pytest.mark.once
def test_keys_of_8_and_of_255_characters_are_taken(api: Api, length: int) -> None:
    assert disposition(api.start(JOIN, {}, "k" * length)) == "created"


@pytest.mark.once
def test_an_operation_that_wants_a_key_gets_one(api: Api) -> None:
    assert_problem(api.start("tests.http_keyed"), "idempotency-key-required")
    assert Run.objects.count() == 0
    assert disposition(api.start("tests.http_keyed", {}, KEY)) == "created"


@pytest.mark.once
def test_a_project_that_wants_keys_gets_them_for_all(api: Api, settings: Any) -> None:
    settings.HEADWAY = {"REQUIRE_IDEMPOTENCY_KEY": True}
    assert_problem(api.start(JOIN), "idempotency-key-required")


@pytest.mark.once
def test_an_operation_with_a_permission_starts_for_those_who_have_it(api: Api, person: Caller) -> None:
    person("clerk", "airports.add_airport")
    assert_problem(api.start("tests.http_guarded"), "forbidden")
    assert disposition(Api("clerk").start("tests.http_guarded")) == "created"


@pytest.mark.once
def test_multipart_texts_become_the_values_that_they_stand_for(api: Api, media: Any) -> None:
    response = api.upload(
        "tests.http_people",
        {
            "file": SimpleUploadedFile("people.csv", b"name\nAda\nBob!\n"),
            "copies": "2",
            "share": "0.5",
            "loud": "true",
            "colours": ["red", "blue"],
            "more": '{"deep": [1]}',
        },
    )

    assert disposition(response) == "created"
    assert response.json()["params"] == {
        "file": {"name": "people.csv", "size": 14},
        "copies": 2,
        "share": 0.5,
        "loud": True,
        "colours": ["red", "blue"],
        "more": {"deep": [1]},
    }
    assert drive(run_of(response)).state == "partial"


@pytest.mark.once
def test_an_empty_text_means_nothing_given_and_on_a_checked_box(api: Api, media: Any) -> None:
    file = SimpleUploadedFile("people.csv", b"name\nAda\n")
    sent = {"file": file, "share": "", "loud": "on", "colours": "", "more": ""}

    kept = api.upload("tests.http_people", sent).json()["params"]
    refused = api.upload("tests.http_people", {"file": "", "copies": "", "loud": ""})

    assert {name: kept[name] for name in sent if name != "file"} == {
        "share": None, "loud": True, "colours": [], "more": None,
    }  # fmt: skip
    assert [(error["pointer"], error["detail"]) for error in assert_problem(refused, "validation")["errors"]] == [
        ("/file", "This field is required."),
        ("/copies", "This field is required."),
    ]


def test_the_same_upload_joins_and_leaves_one_file(api: Api, media: Any) -> None:
    def send() -> Any:
        return api.upload("tests.http_people", {"file": SimpleUploadedFile("people.csv", b"name\nAda\n")})

    first, second = send(), send()
    assert disposition(second) == "joined"
    assert second.json()["id"] == first.json()["id"]
    assert len([found for found in media.rglob("*") if found.is_file()]) == 1


@pytest.mark.once
def test_the_bundled_file_is_taken_where_none_is_sent(api: Api) -> None:
    response = api.start("airports.import_airports", {})
    assert disposition(response) == "created"
    assert response.json()["params"] == {"file": None}


@pytest.mark.once
def test_a_browser_with_a_session_starts_with_its_csrf_token(demo: Any) -> None:
    browser = Api(enforce_csrf_checks=True)
    browser.force_login(demo)
    assert_problem(browser.start(JOIN), "forbidden")
    browser.cookies["csrftoken"] = "t" * 32
    assert disposition(browser.start(JOIN, {}, **{"X-CSRFToken": "t" * 32})) == "created"


@pytest.mark.once
def test_a_browser_uploads_with_its_csrf_token(demo: Any, media: Any) -> None:
    browser = Api(enforce_csrf_checks=True)
    browser.force_login(demo)
    browser.cookies["csrftoken"] = "t" * 32
    file = SimpleUploadedFile("people.csv", b"name\nAda\n")
    response = browser.upload("tests.http_people", {"file": file, "copies": "7"}, **{"X-CSRFToken": "t" * 32})
    assert disposition(response) == "created"
    assert response.json()["params"]["copies"] == 7


def test_a_run_goes_on_from_start_to_end_over_http_alone(api: Api) -> None:
    started = api.start(JOIN, {"count": 3, "reject": "1"})
    assert fresh(drive(run_of(started))).state == "partial"
    run = api.get(started["Location"]).json()
    assert (run["done"], run["progress"]["succeeded"], run["progress"]["failed"]) == (True, 2, 1)
