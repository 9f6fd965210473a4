"""What `process` returned is kept for each item that succeeds, exactly as often as the item is done."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from headway import Reject, runs
from headway.models import ItemOutcome, Run
from headway.snapshots import snapshot
from headway.testing import end_waits
from tests.app.driving import drive, start
from tests.app.models import LedgerEntry
from tests.app.sources import Numbers
from tests.once import once

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]


def results(run: Run) -> dict[str, Any]:
    return {outcome.key: outcome.value for outcome in runs.outcomes(run, state="succeeded")}


def test_what_process_returned_is_kept_for_each_item_that_succeeds(script: Script) -> None:
    run = drive(start("tests.scripted_results"))
    assert results(run) == {"0": 0, "1": 1, "2": 4, "3": 9, "4": 16}
    counted = {"processed": 5, "succeeded": 5, "failed": 0, "skipped": 0}
    assert counted.items() <= snapshot(run.pk)["progress"].items()


@pytest.mark.once
def test_without_it_nothing_is_kept(script: Script) -> None:
    assert results(drive(start("tests.scripted"))) == {}


@pytest.mark.parametrize("error", [ValueError("after it has written"), *once(Reject("no"))], ids=["error", "reject"])
def test_an_item_that_fails_has_no_result_and_costs_no_other_its_own(script: Script, error: Exception) -> None:
    def after(operation: Any, number: int) -> None:
        if number == 3:
            raise error

    script["after"] = after
    run = drive(start("tests.scripted_results"))
    assert results(run) == {"0": 0, "1": 1, "2": 4, "4": 16}
    assert run.state == "partial"


@pytest.mark.parametrize(
    "value",
    [float("nan"), "\x00", "\ud800", *once(object(), {1, 2}, {"deep": [b"bytes"]})],
    ids=lambda value: repr(value)[:9],
)
def test_a_value_that_is_not_json_fails_its_item_and_nothing_of_it_is_written(script: Script, value: Any) -> None:
    script["result"] = lambda number: value if number == 2 else number
    run = drive(start("tests.scripted_results"))
    assert run.state == "partial"
    assert results(run) == {"0": 0, "1": 1, "3": 3, "4": 4}
    assert set(LedgerEntry.objects.values_list("item", flat=True)) == {"0", "1", "3", "4"}
    failed = runs.outcomes(run).get()
    assert (failed.key, failed.code) == ("2", "bad-result")
    assert failed.text.startswith(f"process() returned a value of type {type(value).__name__} that is not JSON")


@pytest.mark.once
def test_where_no_value_is_json_the_run_pauses_instead_of_failing_them_all(script: Script) -> None:
    script["items"] = lambda: Numbers(500)
    script["result"] = lambda number: object()
    run = drive(start("tests.scripted_results"))
    assert (run.state, run.reason_code) == ("paused", "failure-limit")


@pytest.mark.once
def test_a_value_is_kept_as_it_is_when_process_returns(script: Script) -> None:
    shared: list[int] = []
    script["result"] = lambda number: shared.append(number) or shared
    run = drive(start("tests.scripted_results"))
    assert results(run)["1"] == [0, 1]


def test_an_item_that_is_tried_again_has_the_result_of_its_last_attempt(script: Script) -> None:
    def after(operation: Any, number: int) -> None:
        if number == 1:
            raise ConnectionError

    script["after"] = after
    run = drive(start("tests.scripted_results_again"))
    script.pop("after")
    end_waits()
    assert drive(run).state == "succeeded"
    assert results(run) == {"0": 0, "1": 1, "2": 4, "3": 9, "4": 16}
    assert ItemOutcome.objects.filter(run=run).count() == 5


def test_the_results_of_a_chunk_are_written_together(script: Script) -> None:
    script["items"] = lambda: Numbers(300)
    with CaptureQueriesContext(connection) as queries:
        run = drive(start("tests.only_results"))
    assert len(results(run)) == 300
    assert sum('INTO "headway_itemoutcome"' in query["sql"] for query in queries) < 20
