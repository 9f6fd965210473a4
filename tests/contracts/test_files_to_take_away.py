"""Rows that `process` writes into the run's file: each once, in the order of the items, with what the item does."""

from typing import Any

import pytest
from django.db import OperationalError

from headway import Reject, Stop, TryAgain, runs
from headway.models import Block, ItemOutcome, Kind, Run
from headway.store.parts import output
from headway.testing import end_waits
from tests.app.driving import after_items, claim, drive, fresh, start, work
from tests.app.models import Child
from tests.app.sources import Numbers
from tests.once import once

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]


class Deadlock(Exception):
    """What a driver raises for one; both drivers' codes at once."""

    sqlstate = "40P01"
    sqlite_errorcode = 5


def rows(run: Run) -> list[dict[str, Any]]:
    return [row for block in output.read_blocks(run.pk) for row in block]


def numbers(run: Run) -> list[int]:
    return [row["number"] for row in rows(run)]


def raise_after_writing(script: Script, error: Exception, *wrong: int) -> None:
    def after(operation: Any, number: int) -> None:
        if number in wrong:
            raise error

    script["after"] = after


def test_what_the_items_write_is_the_runs_file_in_their_order(script: Script) -> None:
    run = drive(start("tests.scripted_file"))
    assert run.state == "succeeded"
    assert rows(run) == [{"number": number, "square": number**2} for number in range(5)]


def test_a_chunk_has_one_row_in_the_database_however_much_it_has_written(script: Script) -> None:
    script["items"] = lambda: Numbers(2_000)
    run = drive(start("tests.scripted_file"))
    assert numbers(run) == list(range(2_000))
    assert Block.objects.count() <= max(run.parts.values_list("seq", flat=True)) < 1_000  # each chunk is a checkpoint


def test_a_chunk_that_has_written_very_much_is_read_in_pieces(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "PIECE", 20)
    script["items"] = lambda: Numbers(100)
    run = drive(start("tests.scripted_file"))
    assert numbers(run) == list(range(100))
    assert max(len(text) for text in Block.objects.values_list("text", flat=True)) <= 20


@pytest.mark.parametrize(
    "error", [ValueError("after it has written"), Reject("no"), TryAgain("Later.")], ids=["error", "reject", "again"]
)
def test_what_an_item_wrote_before_it_failed_is_undone(script: Script, error: Exception) -> None:
    raise_after_writing(script, error, 1, 3)
    run = drive(start("tests.scripted_file"))
    assert numbers(run) == [0, 2, 4]


def test_a_reject_that_has_written_nothing_else_undoes_its_row_too(script: Script) -> None:
    raise_after_writing(script, Reject("no"), 1)
    assert numbers(drive(start("tests.scripted_only_file"))) == [0, 2, 3, 4]


def test_what_an_interrupted_item_wrote_is_undone(script: Script) -> None:
    raise_after_writing(script, Stop("Enough."), 3)
    run = drive(start("tests.scripted_only_file"))
    assert run.state == "failed"
    assert numbers(run) == [0, 1, 2]


def test_an_item_that_is_tried_again_stands_behind_the_others_of_its_part(script: Script) -> None:
    raise_after_writing(script, TryAgain("Later."), 1)
    run = drive(start("tests.scripted_file"))
    script.pop("after")
    end_waits()
    assert drive(run).state == "succeeded"
    assert numbers(run) == [0, 2, 3, 4, 1]


def test_a_chunk_that_its_commit_refuses_writes_each_row_once(script: Script) -> None:
    script["after"] = lambda operation, number: number == 3 and Child.objects.create(thing_id=999)
    run = drive(start("tests.scripted_file"))
    assert run.state == "partial"
    assert numbers(run) == [0, 1, 2, 4]


def test_a_chunk_that_is_done_again_after_a_deadlock_writes_each_row_once(script: Script) -> None:
    def after(operation: Any, number: int) -> None:
        if number == 3 and script.pop("after", None):
            raise OperationalError from Deadlock()

    script["after"] = after
    assert numbers(drive(start("tests.scripted_file"))) == [0, 1, 2, 3, 4]


def test_in_several_parts_the_file_is_in_the_order_of_the_items(script: Script) -> None:
    script["items"] = lambda: Numbers(40)
    run = start("tests.scripted_file_in_parts")
    work(claim(run), after_items(1))
    while fresh(run).state == "running":
        work(claim(run), after_items(3))  # a bit of each part by turns
    assert run.parts.filter(kind=Kind.ITEMS).count() == 4
    assert numbers(run) == list(range(40))


@pytest.mark.parametrize(
    ("row", "text"),
    [
        ({"number": float("nan")}, "The row can't be written: Out of range float values are not JSON compliant"),
        *once(
            (["a", "b"], "write() takes a dictionary of columns, not list."),
            ({"number": 1, "nummer": 2}, "The row has 'nummer'; the file's columns are number, square."),
            ({"number": object()}, "The row can't be written: Object of type object is not JSON serializable"),
        ),
    ],
)
def test_a_row_that_cannot_be_written_fails_its_item_and_says_why(script: Script, row: Any, text: str) -> None:
    script["after"] = lambda operation, number: number == 2 and operation.write(row)
    run = drive(start("tests.scripted_file"))
    assert run.state == "partial"
    assert numbers(run) == [0, 1, 3, 4]
    outcome = ItemOutcome.objects.get(run=run)
    assert (outcome.key, outcome.code) == ("2", "bad-row")
    assert outcome.text.startswith(text)


@pytest.mark.once
def test_a_row_is_written_as_it_is_at_that_moment(script: Script) -> None:
    row = {"number": 0}

    def after(operation: Any, number: int) -> None:
        row["number"] = number
        operation.write(row)

    script["after"] = after
    assert numbers(drive(start("tests.scripted_only_file"))) == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


@pytest.mark.parametrize("operation", ["tests.prepare_on_threads_and_write", *once("tests.prepare_and_write")])
def test_prepare_must_not_write(operation: str) -> None:
    run = drive(start(operation))
    assert run.state == "failed"
    assert rows(run) == []
    assert "write() belongs into `process` or `process_chunk`" in ItemOutcome.objects.filter(run=run)[0].detail


@pytest.mark.once
def test_an_operation_without_a_file_is_told_to_declare_one(script: Script) -> None:
    script["after"] = lambda operation, number: operation.write({"number": number})
    run = drive(start("tests.scripted"))
    assert 'declare file = File("name.csv", columns=(…))' in ItemOutcome.objects.filter(run=run)[0].detail


def test_process_chunk_writes_the_rows_of_a_chunk_once_though_it_is_halved(script: Script) -> None:
    script["items"] = lambda: Numbers(60)

    def after(operation: Any, number: int) -> Any:
        if number == 33:
            raise ValueError("the chunk with it is undone")
        return Reject("no") if number == 40 else None

    script["after"] = after
    run = drive(start("tests.write_file_in_sets"))
    assert run.state == "partial"
    assert numbers(run) == [number for number in range(60) if number not in (33, 40)]


def test_the_rows_are_removed_with_their_run(script: Script) -> None:
    script["items"] = lambda: Numbers(500)
    run = drive(start("tests.scripted_file"))
    runs.delete(run)
    assert not Block.objects.exists()
    assert not Run.everything.exists()
