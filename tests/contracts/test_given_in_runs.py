"""Runs over what `items()` gives in place of a source: lists, pairs, files, pages; interrupted, changed and retried."""

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter
from django import forms
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection

from headway import Operation, Reject, Retry, Stop, TryAgain, Wait, runs, sources
from headway.forms import XlsxFileField
from headway.http.downloads.originals import Originals
from headway.models import ItemOutcome, Kind, Part, Run, Selection
from headway.store.starts.selections import RunSelections
from tests.app.driving import after_items, claim, drive, expire, fresh, start, work
from tests.app.models import LedgerEntry, Thing
from tests.once import once

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]


def ledger() -> list[str]:
    return list(LedgerEntry.objects.order_by("id").values_list("item", flat=True))


def in_slices(run: Run, count: int = 3) -> Run:
    """Every slice with a worker of its own, which does so many items."""
    while fresh(run).state in ("queued", "running"):
        work(claim(run), should_stop=after_items(count))
    return fresh(run)


def pairs_of(numbers: Any) -> Callable[[], Iterator[tuple[int, int]]]:
    return lambda: ((number, number) for number in numbers)


def pages_of(numbers: Any, before: Callable[[Any], None] = lambda cursor: None) -> Callable[[], Any]:
    def page(cursor: Any) -> Any:
        before(cursor)
        at = cursor or 0
        behind = at + 4
        return [(number, number) for number in numbers[at:behind]], behind if behind < len(numbers) else None

    return lambda: sources.pages(page)


@pytest.mark.parametrize("make", [pairs_of, pages_of, *once(list, lambda numbers: range(len(numbers)))])
class TestEach:
    """Each of them survives what the others do."""

    def given(self, make: Any, numbers: Any) -> Callable[[], Any]:
        made = make(numbers)
        return made if callable(made) else lambda: made

    def test_each_item_is_done_once_however_often_its_worker_changes(self, script: Script, make: Any) -> None:
        script["items"] = self.given(make, range(20))
        run = in_slices(start("tests.scripted"))
        assert (run.state, run.total, ledger()) == ("succeeded", 20, [str(number) for number in range(20)])

    def test_what_was_under_way_when_its_worker_fell_silent_is_done_once(self, script: Script, make: Any) -> None:
        script["items"] = self.given(make, range(10))
        run = start("tests.scripted")
        stale = claim(run)
        work(stale, should_stop=after_items(4))
        lost = claim(run)
        expire(lost)
        assert drive(run).state == "succeeded"
        work(lost)
        assert ledger() == [str(number) for number in range(10)]

    def test_an_item_that_leaves_something_to_undo_costs_no_other(self, script: Script, make: Any) -> None:
        script["items"] = self.given(make, range(10))
        script["after"] = fail_at(4, 7)
        run = drive(start("tests.scripted"))
        assert (run.state, ledger()) == ("partial", ["0", "1", "2", "3", "5", "6", "8", "9"])

    def test_what_failed_is_retried_alone(self, script: Script, make: Any) -> None:
        script["items"] = self.given(make, range(10))
        script["after"] = fail_at(4, 7)
        first = drive(start("tests.scripted"))
        script["after"] = lambda operation, number: None
        LedgerEntry.objects.all().delete()
        again = drive(runs.retry(first).run)
        assert (again.state, again.total, ledger()) == ("succeeded", 2, ["4", "7"])

    def test_a_retry_takes_up_what_a_cancelled_run_left(self, script: Script, make: Any) -> None:
        script["items"] = self.given(make, range(10))
        first = start("tests.scripted")
        work(claim(first), should_stop=after_items(4))
        runs.cancel(first)
        assert drive(runs.retry(first).run).state == "succeeded"
        assert ledger() == [str(number) for number in range(10)]


def fail_at(*numbers: int) -> Callable[[Operation, int], None]:
    def after(operation: Operation, number: int) -> None:
        if number in numbers:
            raise ValueError("It fails.")

    return after


class TestPlanning:
    def test_nothing_is_in_the_database_before_all_keys_are_gathered(self, script: Script) -> None:
        seen: list[tuple[int, bool]] = []

        def items() -> Iterator[tuple[int, int]]:
            for number in range(5):
                seen.append((Selection.objects.count(), connection.in_atomic_block))
                yield number, number

        script["items"] = items
        assert drive(start("tests.scripted")).state == "succeeded"
        assert seen[:5] == [(0, False)] * 5
        assert Selection.objects.count() == 5

    def test_a_worker_that_is_to_stop_while_it_gathers_gives_the_run_back_and_the_next_one_begins_anew(
        self, script: Script
    ) -> None:
        script["items"] = pairs_of(itertools.count())  # it would never end
        run = start("tests.scripted")
        work(claim(run), should_stop=after_items())
        assert (Part.objects.get(run=run).kind, Selection.objects.count()) == (Kind.PLAN, 0)
        script["items"] = pairs_of(range(50))
        assert (drive(run).state, len(ledger())) == ("succeeded", 50)

    @pytest.mark.once
    def test_a_cancel_is_heeded_while_keys_are_gathered(self, script: Script) -> None:
        run = start("tests.scripted")

        def items() -> Iterator[tuple[int, int]]:
            runs.cancel(fresh(run))
            yield from pairs_of(itertools.count())()  # it would never end

        script["items"] = items
        work(claim(run))
        assert fresh(run).state == "cancelled"

    def test_two_hundred_thousand_keys_are_numbered_in_their_order(self, script: Script) -> None:
        kept = RunSelections(start("tests.scripted").pk)
        assert kept.copy_keys(str(number) for number in range(200_000)) == 200_000
        assert kept.page(0, 2) == [(1, "0"), (2, "1")]
        assert kept.page(199_998, 5) == [(199_999, "199998"), (200_000, "199999")]
        assert (kept.number_of("777"), kept.number_of("x"), kept.twice()) == (778, None, None)

    def test_a_key_that_comes_twice_pauses_the_run_before_any_item(self, script: Script) -> None:
        script["items"] = pairs_of([1, 2, 1])
        run = drive(start("tests.scripted"))
        assert (run.state, run.reason_code, ledger()) == ("paused", "operation-error", [])
        assert "yielded the key '1' twice" in run.reason_detail
        assert Selection.objects.count() == 0


class TestChanges:
    """What a deploy, or the world, changes between two workers."""

    def test_a_list_that_has_changed_is_done_as_it_was(self, script: Script) -> None:
        script["items"] = lambda: ["a", "b", "c", "d"]
        run = start("tests.scripted")
        work(claim(run), should_stop=after_items())
        script["items"] = lambda: ["new", "d", "b"]
        run = drive(run)
        assert (run.state, ledger()) == ("succeeded", ["a", "b", "d"])
        gone = ItemOutcome.objects.get()
        assert (gone.state, gone.code, gone.label) == ("skipped", "gone", "c")

    @pytest.mark.once
    def test_pairs_in_another_order_are_each_done_once(self, script: Script) -> None:
        script["items"] = pairs_of(range(10))
        run = start("tests.scripted")
        work(claim(run), should_stop=after_items(3))
        script["items"] = pairs_of([9, 8, 7, 6, 5, 3, 2, 1, 0, 77])
        run = drive(run)
        assert (run.state, sorted(ledger())) == ("succeeded", sorted(map(str, {*range(10)} - {4})))
        assert ItemOutcome.objects.get().key == "4"

    @pytest.mark.once
    def test_a_run_does_not_go_on_over_another_kind_of_items(self, script: Script) -> None:
        script["items"] = lambda: ["a", "b", "c", "d"]
        run = start("tests.scripted")
        work(claim(run), should_stop=after_items())
        script["items"] = pairs_of("abcd")
        run = drive(run)
        assert (run.state, run.reason_code) == ("paused", "operation-error")
        assert "It began over a list, but its items are what items() yields now." in run.reason_text

    def test_a_list_of_rows_is_read_again_in_each_chunk(self, script: Script) -> None:
        Thing.objects.bulk_create(Thing(name="old", code=f"c-{number}") for number in range(5))
        script["items"] = lambda: list(Thing.objects.order_by("-code"))
        names: list[str] = []
        script["before"] = lambda operation, thing: names.append(thing.name)
        run = start("tests.scripted")
        work(claim(run), should_stop=after_items())
        Thing.objects.update(name="new")
        assert drive(run).state == "succeeded"
        assert names == ["old", "new", "new", "new", "new"]

    @pytest.mark.once
    def test_a_queryset_can_be_given_as_it_is(self, script: Script) -> None:
        Thing.objects.bulk_create(Thing(name="a", code=f"c-{number}") for number in range(5))
        script["items"] = lambda: Thing.objects.all()
        run = drive(start("tests.scripted"))
        assert (run.state, run.total, run.source) == ("succeeded", 5, "rows of app_thing by id")

    @pytest.mark.once
    def test_what_can_be_no_source_pauses_the_run_with_what_to_write(self, script: Script) -> None:
        script["items"] = lambda: {"a": 1}
        run = drive(start("tests.scripted"))
        assert (run.state, run.reason_code) == ("paused", "operation-error")
        assert "Write `yield from` before it" in run.reason_detail


@pytest.mark.once
class TestFiles:
    def test_files_that_vanish_and_come_between_two_workers(self, script: Script, tmp_path: Path) -> None:
        for number in range(6):
            (tmp_path / f"{number}.txt").touch()
        script["items"] = lambda: sources.files(tmp_path, "*.txt")
        run = start("tests.scripted")
        work(claim(run), should_stop=after_items())
        (tmp_path / "3.txt").unlink()
        (tmp_path / "33.txt").touch()
        run = drive(run)
        assert (run.state, run.total) == ("succeeded", 6)
        assert ledger() == [str(tmp_path / f"{number}.txt") for number in (0, 1, 2, 4, 5)]
        assert ItemOutcome.objects.get().label == "3.txt"

    def test_a_directory_that_is_not_there_is_told_to_the_person(self, script: Script, tmp_path: Path) -> None:
        script["items"] = lambda: sources.files(tmp_path / "photos")
        run = drive(start("tests.scripted"))
        assert run.state == "paused"
        assert f"There is no directory {tmp_path / 'photos'} here. Is it mounted on this worker?" in run.reason_text


class Unreachable(Exception):
    """What a client of an API raises."""


class Crawl(Operation):
    """Pages of an API that isn't always there."""

    name = "tests.crawl"
    retry = Retry(on=Unreachable)
    before: Any = staticmethod(lambda cursor: None)

    def items(self) -> Any:
        return pages_of(range(10), lambda cursor: type(self).before(cursor))()

    def process(self, number: int) -> None:
        LedgerEntry.objects.create(run=self.run.id, item=str(number))


class CrawlOutside(Crawl):
    """The same, with effects outside."""

    name = "tests.crawl_outside"
    effects = "outside"
    threads = 2


@pytest.mark.parametrize("operation", [Crawl, *once(CrawlOutside)])
class TestApi:
    def started(self, operation: Any, before: Callable[[Any], None], monkeypatch: Any) -> Run:
        monkeypatch.setattr(operation, "before", staticmethod(before))
        return runs.start(operation).run

    @pytest.mark.parametrize(
        ("error", "seconds", "says"),
        [
            (Wait(30, "It asks for a rest."), 30, "It asks for a rest."),
            *once(
                (TryAgain("Not yet.", after=40), 40, "Its items can't be read now; that is tried again. Not yet."),
                (Unreachable("no route"), 5, "Its items can't be read now; that is tried again."),
            ),
        ],
    )
    def test_a_run_whose_api_asks_for_time_goes_on_later_and_what_came_before_is_done(
        self, operation: Any, monkeypatch: Any, error: Exception, seconds: float, says: str
    ) -> None:
        failing = [error]

        def before(cursor: Any) -> None:
            if cursor == 8 and failing:
                raise failing.pop()

        run = self.started(operation, before, monkeypatch)
        assert drive(run).state == "running"
        part = Part.objects.get(run=run)
        assert sorted(ledger(), key=int) == [str(number) for number in range(8)]
        assert part.waits == says
        assert part.due is not None
        assert 0.8 * seconds < (part.due - part.changed) / 1000 < 1.2 * seconds
        expire(part)
        assert (drive(run).state, sorted(ledger(), key=int)) == ("succeeded", [str(number) for number in range(10)])

    @pytest.mark.once
    def test_stop_ends_the_run(self, operation: Any, monkeypatch: Any) -> None:
        def before(cursor: Any) -> None:
            if cursor == 4:
                raise Stop("The key was withdrawn.")

        run = drive(self.started(operation, before, monkeypatch))
        assert (run.state, run.reason_code, run.reason_text) == ("failed", "stopped", "The key was withdrawn.")
        assert sorted(ledger()) == ["0", "1", "2", "3"]

    @pytest.mark.once
    def test_anything_else_pauses_it_and_a_resume_goes_on(self, operation: Any, monkeypatch: Any) -> None:
        failing = [KeyError("results")]

        def before(cursor: Any) -> None:
            if cursor == 4 and failing:
                raise failing.pop()

        run = drive(self.started(operation, before, monkeypatch))
        assert (run.state, run.reason_code, sorted(ledger())) == ("paused", "operation-error", ["0", "1", "2", "3"])
        runs.resume(run)
        assert (drive(run).state, len(ledger())) == ("succeeded", 10)

    def test_no_transaction_waits_for_a_page(self, operation: Any, monkeypatch: Any) -> None:
        seen: list[bool] = []

        def before(cursor: Any) -> None:
            assert threading.current_thread() is threading.main_thread()
            seen.append(connection.in_atomic_block)

        assert drive(self.started(operation, before, monkeypatch)).state == "succeeded"
        assert seen == [False] * 3


@pytest.mark.once
def test_a_retry_of_pages_asks_for_single_items(script: Script) -> None:
    asked: list[str] = []

    def get(key: str) -> int:
        asked.append(key)
        return int(key)

    def page(cursor: Any) -> Any:
        assert cursor is None
        return [(number, number) for number in range(5)], None

    script["items"] = lambda: sources.pages(page, get=get)
    script["before"] = reject_odd
    first = drive(start("tests.scripted"))
    script["before"] = lambda operation, number: None
    assert drive(runs.retry(first).run).state == "succeeded"
    assert asked == ["1", "3"]


def reject_odd(operation: Operation, number: int) -> None:
    if number % 2:
        raise Reject("odd")


def workbook(path: Path, count: int = 10) -> Path:
    with xlsxwriter.Workbook(path) as book:
        sheet, day = book.add_worksheet("Rows"), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, ["n", "name", "opened"])
        for number in range(count):
            sheet.write_row(number + 1, 0, [number, f"Name {number}"])
            sheet.write_datetime(number + 1, 2, date(2026, 1, 1 + number % 28), day)
    return path


class RowsForm(forms.Form):
    """A workbook."""

    file = XlsxFileField(columns=["n"])


class ReadRows(Operation):
    """Rows of a workbook, of which some are bad."""

    name = "tests.read_rows"
    params = RowsForm
    bad: Any = frozenset({3, 6})

    def items(self) -> Any:
        return sources.xlsx(self.params["file"])

    def process(self, row: Any) -> None:
        LedgerEntry.objects.create(run=self.run.id, item=f"{row['n']} {row['opened']:%d.%m.}")
        if row["n"] in self.bad:
            raise ValueError("It is bad.")


@pytest.mark.once
class TestWorkbook:
    def started(self, path: Path) -> Run:
        return runs.start(ReadRows, {"file": SimpleUploadedFile("rows.xlsx", path.read_bytes())}).run

    def test_each_row_is_done_once_and_what_failed_is_retried_by_its_number(
        self, media: Path, tmp_path: Path, monkeypatch: Any
    ) -> None:
        first = in_slices(self.started(workbook(tmp_path / "a.xlsx")))
        assert (first.state, first.total) == ("partial", 10)
        assert ledger() == [f"{number} {number + 1:02}.01." for number in range(10) if number not in (3, 6)]
        assert [*ItemOutcome.objects.order_by("id").values_list("key", "label")] == [("5", "row 5"), ("8", "row 8")]
        LedgerEntry.objects.all().delete()
        monkeypatch.setattr(ReadRows, "bad", frozenset())
        assert in_slices(runs.retry(first).run, 1).state == "succeeded"
        assert ledger() == ["3 04.01.", "6 07.01."]

    def test_a_download_of_failures_has_the_columns_of_the_sheet(self, media: Path, tmp_path: Path) -> None:
        originals = Originals(drive(self.started(workbook(tmp_path / "a.xlsx"))))
        assert originals.columns == ["n", "name", "opened"]
        (line,) = originals.lines_of([{"key": "5", "text": "It is bad."}])
        assert line.item == {"n": 3, "name": "Name 3", "opened": date(2026, 1, 4)}

    def test_a_workbook_that_was_replaced_pauses_the_run(self, script: Script, tmp_path: Path) -> None:
        path = workbook(tmp_path / "a.xlsx")
        script["items"] = lambda: sources.xlsx(path)
        run = start("tests.scripted")
        work(claim(run), should_stop=after_items())
        workbook(path, 11)
        run = drive(run)
        assert (run.state, run.reason_code) == ("paused", "operation-error")
        assert "The sheet “Rows” isn't as it was when this run began." in run.reason_text


@pytest.mark.once
def test_a_download_of_failures_does_not_go_through_all_pairs(script: Script) -> None:
    script["items"] = pairs_of(range(5))
    script["before"] = reject_odd
    run = drive(start("tests.scripted"))
    script["items"] = pairs_of(itertools.count())  # it would never end
    (line,) = Originals(run).lines_of([{"key": "-1", "text": "Odd."}])
    assert (line.item, line.told) == ({}, {"key": "-1", "text": "Odd."})
