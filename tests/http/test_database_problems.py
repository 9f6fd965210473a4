"""What goes wrong with the database is a problem: its tables are missing or too old, or it is away."""

from typing import Any

import pytest

from headway.runs import start
from tests.away import database_away
from tests.http import operations  # noqa: F401  (they register themselves)
from tests.unmigrated import UNMIGRATED, unmigrated

from .client import Api, assert_problem, path

pytestmark = pytest.mark.django_db(transaction=True)

JOIN = "tests.http_join"


@pytest.mark.parametrize("how", UNMIGRATED)
def test_tables_that_are_missing_or_too_old_are_a_problem_that_says_what_to_run(api: Api, demo: Any, how: str) -> None:
    run = start(JOIN, user=demo).run.pk
    with unmigrated(how):
        asked = [path("runs"), path("run", run), path("run-wait", run), path("run-events", run), path("events")]
        answers = [*map(api.get, asked), api.start(JOIN, {}, "a-key-to-keep")]

    for response in answers:
        body = assert_problem(response, "not-migrated")
        assert "Run `python manage.py migrate`" in body["detail"]
        assert response["Retry-After"] == "10"


@pytest.mark.parametrize(
    ("method", "asked"), [("get", path("runs")), ("post", path("start", JOIN)), ("get", path("events"))]
)
def test_a_database_that_is_away_is_overloaded(api: Api, method: str, asked: str) -> None:
    with database_away():
        response = getattr(api, method)(asked)
    assert_problem(response, "overloaded", fallback="poll")
    assert response["Retry-After"] == "2"
