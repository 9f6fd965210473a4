"""The pages on a database in which Headway's tables are missing or out of date, or that is away."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from tests import unmigrated as tables
from tests.away import database_away

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

RUN = "/runs/0198f3c2-0000-7000-8000-000000000000/"
PAGES = ["/", "/start/tests.write_ledger/", RUN]


@pytest.fixture(params=tables.UNMIGRATED)
def unmigrated(request: pytest.FixtureRequest, transactional_db: None) -> Iterator[None]:
    with tables.unmigrated(request.param):
        yield


def signed_in(user: Any) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.mark.parametrize("page", PAGES)
def test_staff_are_told_what_to_run(person: Callable[..., Any], unmigrated: None, page: str) -> None:
    answer = signed_in(person("boss", is_staff=True)).get(page)

    assert answer.status_code == 503
    assert "Run <code>python manage.py migrate</code>" in answer.content.decode()


@pytest.mark.parametrize("page", PAGES)
def test_anybody_else_sees_a_calm_page(person: Callable[..., Any], unmigrated: None, page: str, caplog: Any) -> None:
    answer = signed_in(person("ada", is_superuser=True)).get(page)

    assert answer.status_code == 503
    assert answer["Retry-After"] == "10"
    assert "isn’t ready" in answer.content.decode()
    assert "migrate" not in answer.content.decode()
    assert "headway_run" in caplog.text  # the error itself, for the log


def test_under_debug_all_are_told(person: Callable[..., Any], unmigrated: None, settings: Any) -> None:
    settings.DEBUG = True
    assert "python manage.py migrate" in signed_in(person("ada")).get("/").content.decode()


def test_a_press_is_answered_alike(person: Callable[..., Any], unmigrated: None) -> None:
    ada = signed_in(person("ada", is_staff=True))
    assert ada.post("/start/tests.write_ledger/", {"items": "1", "work_us": "0"}).status_code == 503
    assert ada.post(f"{RUN}pause/").status_code == 503


@pytest.mark.parametrize("page", PAGES)
def test_a_page_says_that_the_database_cannot_answer(person: Callable[..., Any], page: str, caplog: Any) -> None:
    ada = signed_in(person("ada"))
    with database_away():
        answer = ada.get(page)

    assert (answer.status_code, answer["Retry-After"]) == (503, "2")
    assert "The database can’t answer now. Try again." in answer.content.decode()
    assert "database" in caplog.text  # the driver's error, for the log
