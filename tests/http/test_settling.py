"""POST /runs/{id}/items/settle/: what a person says of items in doubt."""

from typing import Any

import pytest

from headway.models import Run
from tests.app import outside
from tests.app.driving import start

from .client import Api, assert_problem, path

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture
def doubtful(script: dict[str, Any], demo: Any) -> Run:
    """A run of twelve, three of which are in doubt."""
    return outside.doubtful(demo)


def send(api: Api, run: Run, body: Any) -> Any:
    return api.post(path("run-settle", run.pk), body, content_type="application/json")


def test_some_and_then_the_rest(api: Api, doubtful: Run) -> None:
    keys = ["5", "no such key", "\x00", *map(str, range(8, 40_000))]
    answer = send(api, doubtful, {"went_out": True, "keys": keys})
    assert answer.status_code == 200
    assert {"code": "went-out", "count": 1} in answer.json()["failure_summary"]
    assert send(api, doubtful, {"went_out": False}).status_code == 200
    assert outside.codes(doubtful) == {"2": "not-sent", "5": "went-out", "7": "not-sent"}


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/went_out"),
        ({"went_out": "yes"}, "/went_out"),
        ({"went_out": True, "keys": "5"}, "/keys"),
        ({"went_out": True, "keys": None}, "/keys"),
        ({"went_out": True, "keys": [5]}, "/keys"),
        ({"went_out": True, "key": "5"}, "/key"),
        ([], ""),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_settled(api: Api, doubtful: Run, body: Any, pointer: str) -> None:
    answer = send(api, doubtful, body)
    assert_problem(answer, "validation")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert set(outside.codes(doubtful).values()) == {"in-doubt"}


def test_a_live_run_is_not_settled(api: Api, demo: Any, script: dict[str, Any]) -> None:
    run = start("tests.scripted_outside")
    Run.objects.update(started_by=demo)
    assert_problem(send(api, run, {"went_out": True}), "invalid-state")
