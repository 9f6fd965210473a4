"""The error itself, with where it was raised: on every door for staff, on none for anybody else."""

import json
from typing import Any

import pytest
from django.http import StreamingHttpResponse
from django.test import Client

from headway.models import Run
from headway.snapshots import snapshot
from tests.app.driving import drive

from .scenes import begin

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

MARK = "secret-of-the-inside"


def raise_it(*given: Any) -> None:
    raise ValueError(MARK)


@pytest.fixture
def with_a_failed_item(script: dict[str, Any], demo: Any) -> Run:
    script["after"] = lambda operation, number: number == 3 and raise_it()
    return drive(begin(demo, "tests.scripted"))


@pytest.fixture
def paused_by_itself(script: dict[str, Any], demo: Any) -> Run:
    script["items"] = raise_it
    return drive(begin(demo, "tests.scripted"))


def read(user: Any, address: str) -> str:
    """What this person's browser gets there."""
    client = Client()
    client.force_login(user)
    answer = client.get(address)
    assert answer.status_code == 200
    content = answer.getvalue() if isinstance(answer, StreamingHttpResponse) else answer.content
    return bytes(content).decode()


def doors(run: Run) -> list[str]:
    api = f"/api/runs/{run.pk}/"
    endings = ("", "items/", "failures.csv", "failures.ndjson")
    return [f"/runs/{run.pk}/", f"/runs/{run.pk}/?code=error", *(api + ending for ending in endings)]


def test_the_owner_of_a_run_sees_no_error_itself(demo: Any, with_a_failed_item: Run, paused_by_itself: Run) -> None:
    for run in (with_a_failed_item, paused_by_itself):
        for told in (*(read(demo, door) for door in doors(run)), json.dumps(snapshot(run.pk))):
            assert MARK not in told
            assert "raise_it" not in told
            assert __file__ not in told


def test_staff_see_the_error_of_an_item_and_where_it_was_raised(person: Any, with_a_failed_item: Run) -> None:
    boss = person("boss", is_staff=True, is_superuser=True)

    page, of_code, _, items, as_csv, as_ndjson = (read(boss, door) for door in doors(with_a_failed_item))

    for told in (page, of_code, items, as_csv, as_ndjson):
        assert f"ValueError: {MARK}" in told
        assert f"{__file__}:" in told
        assert " in raise_it" in told
    assert as_csv.partition("\r\n")[0].endswith(",key,code,text,detail")


def test_everybody_who_sees_a_run_reads_its_log(demo: Any, script: dict[str, Any]) -> None:
    script["before"] = lambda operation, number: operation.say(f"Number {number}")
    run = drive(begin(demo, "tests.scripted"))

    told = json.loads(read(demo, f"/api/runs/{run.pk}/log/"))["results"]

    assert [line["text"] for line in told] == [f"Number {number}" for number in range(5)]
    page = read(demo, f"/runs/{run.pk}/")
    for line in told:
        assert f"<span>{line['text']}</span>" in page
        assert line["at"].endswith("Z")


def test_staff_see_why_a_run_has_paused_itself_with_the_traceback(person: Any, paused_by_itself: Run) -> None:
    boss = person("boss", is_staff=True, is_superuser=True)

    page = read(boss, doors(paused_by_itself)[0])

    assert f"<summary>ValueError: {MARK}</summary>" in page
    assert "Traceback (most recent call last):" in page
    assert "raise ValueError(MARK)" in page
