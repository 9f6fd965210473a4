"""Text that no database keeps (NUL, half of a character) never stops a worker, wherever an operation puts it."""

from typing import Any

import pytest

from headway import Reject, Skip, Stop
from headway.models import ItemOutcome, Kind, Part
from tests.app.driving import drive, start
from tests.once import once

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]
ODD = "a\0b\ud83dc"
KEPT = "a\ufffdb?c"


def raising(error: Exception) -> Any:
    def before(operation: Any, number: int) -> None:
        raise error

    return before


@pytest.mark.parametrize("error", [Reject("odd", ODD), *once(Skip("odd", ODD))])
def test_in_an_items_verdict_it_is_replaced(script: Script, error: Exception) -> None:
    script["before"] = raising(error)
    drive(start("tests.scripted"))
    assert {outcome.text for outcome in ItemOutcome.objects.all()} == {KEPT}


def test_in_an_items_error_too(script: Script) -> None:
    script["before"] = raising(RuntimeError(ODD))
    drive(start("tests.scripted"))
    assert {outcome.detail.partition("\n")[0] for outcome in ItemOutcome.objects.all()} == {f"RuntimeError: {KEPT}"}


def test_in_what_an_operation_says(script: Script) -> None:
    script["before"] = lambda operation, number: operation.say(ODD)
    drive(start("tests.scripted"))
    assert Part.objects.get(kind=Kind.ITEMS).message == KEPT


def test_in_the_reason_for_which_a_run_is_stopped(script: Script) -> None:
    script["before"] = raising(Stop(ODD))
    run = drive(start("tests.scripted"))
    assert (run.state, run.reason_text) == ("failed", KEPT)


def test_in_an_error_of_the_operation_itself(script: Script) -> None:
    def items() -> Any:
        raise RuntimeError(ODD)

    script["items"] = items
    run = drive(start("tests.scripted"))
    assert (run.state, run.reason_code) == ("paused", "operation-error")
    assert f"RuntimeError: {KEPT}" in run.reason_detail


@pytest.mark.parametrize("result", [{"a": ["\0"]}, {"\ud83d": 1}, float("nan"), *once(ODD, object())])
def test_a_result_that_cannot_be_kept_pauses_the_run_at_its_end(script: Script, result: Any) -> None:
    script["on_finish"] = lambda: result
    run = drive(start("tests.scripted"))
    assert (run.state, run.reason_code) == ("paused", "operation-error")
    assert run.reason_text == "Its on_finish failed. Mend it, then resume; nothing is lost."
    assert run.reason_detail.startswith("TypeError: on_finish() returned ")
    assert "\n" not in run.reason_detail  # what Headway refuses with a sentence isn't told again by its own lines


def test_a_result_that_only_looks_so_is_kept(script: Script) -> None:
    script["on_finish"] = lambda: "\\u0000 and \\\\u0000"
    run = drive(start("tests.scripted"))
    assert (run.state, run.result) == ("succeeded", "\\u0000 and \\\\u0000")


@pytest.mark.once
def test_a_long_reason_is_cut_and_the_end_of_a_traceback_is_kept(script: Script) -> None:
    def items() -> Any:
        raise RuntimeError("x" * 100_000 + " at last")

    script["items"] = items
    run = drive(start("tests.scripted"))
    assert len(run.reason_detail) <= 20_000
    assert run.reason_detail.endswith("x at last\n")
