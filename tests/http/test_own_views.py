"""What `headway.runs` refuses in a view of the project's own is an answer, and no 500."""

from typing import Any
from uuid import uuid4

import pytest
from asgiref.sync import async_to_sync
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient, Client

from headway.runs import start
from tests.http import operations  # noqa: F401  (they register themselves)

from .client import assert_problem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(autouse=True)
def own_views(settings: Any) -> None:
    settings.ROOT_URLCONF = "tests.http.own_views"
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "headway.middleware.RefusalMiddleware"]


@pytest.fixture
def browser(demo: Any) -> Client:
    client = Client()
    client.force_login(demo)
    return client


@pytest.mark.parametrize("view", ["plain", "framework", "patient"])
def test_a_program_gets_the_problem(browser: Client, demo: Any, view: str) -> None:
    assert_problem(browser.get(f"/{view}/tests.http_join/", {"count": "many"}), "validation")
    assert_problem(browser.get(f"/{view}/no.such/"), "not-found")
    assert_problem(browser.get(f"/{view}/tests.http_guarded/"), "forbidden")
    assert_problem(browser.get(f"/{view}/tests.http_keyed/"), "idempotency-key-required")
    run = start("tests.http_reject", user=demo).run
    body = assert_problem(browser.get(f"/{view}/tests.http_reject/"), "run-conflict")
    assert body["existing"] == f"/api/runs/{run.pk}/"


@pytest.mark.parametrize("view", ["uploaded", "framework"])
def test_a_multipart_body_means_in_a_view_what_it_means_to_headways_own_endpoint(
    browser: Client, media: Any, view: str
) -> None:
    sent = {"copies": "2", "share": "0.5", "loud": "true", "colours": ["red"], "more": '{"deep": [1]}'}
    file = SimpleUploadedFile("people.csv", b"name\nAda\n")

    started = browser.post(f"/{view}/tests.http_people/", {"file": file, **sent})
    refused = browser.post(f"/{view}/tests.http_people/", {"file": "people.csv", "copies": "two"})

    kept = started.json()
    assert kept.pop("file")["$file"]["original"] == "people.csv"
    assert kept == {"copies": 2, "share": 0.5, "loud": True, "colours": ["red"], "more": {"deep": [1]}}
    errors = assert_problem(refused, "validation")["errors"]
    assert {error["pointer"]: error["detail"] for error in errors} == {
        "/file": "This must be an uploaded file, not a value.",
        "/copies": "This must be of type integer, not string.",
    }


@pytest.mark.parametrize("body", ["[1]", "[]", '"x"', "0", "false"])
def test_a_body_that_is_no_object_is_the_clients_fault_and_comes_after_the_permission(
    browser: Client, body: str
) -> None:
    refused = browser.post("/framework/tests.http_join/", body, "application/json")
    assert [error["pointer"] for error in assert_problem(refused, "validation")["errors"]] == [""]
    assert_problem(browser.post("/framework/tests.http_guarded/", body, "application/json"), "forbidden")


def test_a_program_gets_the_problem_of_a_retry(browser: Client, demo: Any) -> None:
    assert_problem(browser.get(f"/retry/{uuid4()}/"), "not-found")
    assert_problem(browser.get(f"/retry/{start('tests.http_join', user=demo).run.pk}/"), "invalid-state")


def test_a_person_gets_a_page_that_leads_to_the_run(browser: Client, demo: Any) -> None:
    run = start("tests.http_reject", user=demo).run
    response = browser.get("/plain/tests.http_reject/", headers=PAGE)
    assert response.status_code == 409
    assert "Another run is live" in response.text
    assert f'href="/runs/{run.pk}/"' in response.text


def test_a_person_gets_the_projects_own_page_where_it_has_one(browser: Client) -> None:
    assert browser.get("/plain/no.such/", headers=PAGE).status_code == 404
    assert browser.get("/plain/tests.http_guarded/", headers=PAGE).status_code == 403


def test_under_asgi_too(demo: Any) -> None:
    client = AsyncClient()
    async_to_sync(client.aforce_login)(demo)
    assert_problem(async_to_sync(client.get)("/patient/tests.http_join/?count=many"), "validation")


def test_other_errors_are_the_projects_own(browser: Client) -> None:
    with pytest.raises(ZeroDivisionError):
        browser.get("/broken/")
