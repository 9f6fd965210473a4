"""Set-based work: all items of a chunk by one call, down to single items where it fails."""

import io
import math
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from headway import Reject, Skip, Stop, TryAgain, Wait, runs, sources
from headway.models import ItemOutcome, Part, Run
from headway.snapshots import snapshot
from headway.testing import end_waits
from tests.app.driving import after_items, claim, drive, expire, fresh, start, work
from tests.app.models import Account, Child, LedgerEntry, Tagged, Thing
from tests.app.sources import Numbers
from tests.once import once

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]
IN_SETS = "tests.scripted_in_sets"
CREDIT = "tests.credit_in_sets"


def accounts(count: int) -> list[Account]:
    return Account.objects.bulk_create(Account(note=f"person {number}") for number in range(count))


def balances() -> Counter[int]:
    return Counter(Account.objects.values_list("balance", flat=True))


def ledger(run: Run) -> Counter[int]:
    return Counter(int(item) for item in LedgerEntry.objects.filter(run=run.pk).values_list("item", flat=True))


def outcomes(run: Run) -> list[tuple[str, str, str]]:
    return list(ItemOutcome.objects.filter(run=run).order_by("id").values_list("key", "state", "code"))


def sizes(script: Script, then: Callable[[Any, list[int]], Any] = lambda operation, rows: None) -> list[int]:
    """How many items each call was for, those that failed included."""
    seen: list[int] = []

    def chunk(operation: Any, rows: Any) -> Any:
        seen.append(len(rows))
        return then(operation, rows)

    script["chunk"] = chunk
    return seen


def raise_if_there(wrong: set[int], error: Exception) -> Callable[[Any, list[int]], None]:
    def then(operation: Any, rows: list[int]) -> None:
        if wrong & set(rows):
            raise error

    return then


class TestChunks:
    def test_all_rows_of_a_chunk_have_succeeded_when_it_returns(self, script: Script) -> None:
        accounts(3_000)
        with CaptureQueriesContext(connection) as queries:
            run = drive(start(CREDIT))
        assert (run.state, run.parts.get().succeeded, balances()) == ("succeeded", 3_000, Counter({1: 3_000}))
        updates = [
            each["sql"]
            for each in queries
            if each["sql"].startswith("UPDATE") and Account._meta.db_table in each["sql"]
        ]
        assert 1 <= len(updates) < 60  # of hundreds of rows each, few or many by the machine's pace

    def test_chunks_begin_small_and_grow(self, script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
        seen = sizes(script)
        monkeypatch.setattr("headway.runner.ways.set_based.time", Ticking(seen, 1e-6))
        script["items"] = lambda: Numbers(20_000)
        assert drive(start(IN_SETS)).state == "succeeded"
        assert seen[0] <= 100
        assert 400 < max(seen) <= 4_000

    def test_a_chunk_that_takes_long_is_followed_by_smaller_ones(
        self, script: Script, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen = sizes(script)
        monkeypatch.setattr("headway.runner.ways.set_based.time", Ticking(seen, 1e-3))
        script["items"] = lambda: Numbers(2_000)
        drive(start(IN_SETS))
        assert max(seen) <= 400

    def test_a_queryset_gives_its_rows_within_the_bounds_of_the_start_as_it_would_to_process(
        self, script: Script
    ) -> None:
        accounts(100)
        Account.objects.filter(note="person 83").update(note="nobody")
        script["items"] = lambda: sources.queryset(Account.objects.exclude(note="nobody"))
        run = start(CREDIT)
        work(claim(run), after_items(1))
        assert run.parts.get().succeeded == 50
        accounts(5)
        drive(run)
        assert balances() == Counter({1: 99, 0: 6})

    def test_the_rows_of_a_selection_are_those_that_were_selected(self, script: Script) -> None:
        rows = accounts(700)
        script["items"] = lambda: sources.selection(Account.objects.filter(note__endswith="7").order_by("-pk"))
        run = start(CREDIT)
        work(claim(run), after_items(1))
        Account.objects.filter(pk=rows[7].pk).update(note="renamed")
        gone = str(rows[17].pk)
        rows[17].delete()
        drive(run)
        assert balances() == Counter({1: 69, 0: 630})
        assert outcomes(run) == [(gone, "skipped", "gone")]
        assert run.parts.get().succeeded == 69

    def test_a_join_gives_no_row_twice(self, script: Script) -> None:
        parent = Thing.objects.create(code="parent")
        for _ in range(3):
            Child.objects.create(thing=parent)
        script["items"] = lambda: sources.queryset(Thing.objects.filter(child__gt=0))
        seen = []
        script["chunk"] = lambda operation, rows: seen.append(rows.count())
        run = drive(start(IN_SETS))
        assert run.parts.get().succeeded == 1

    def test_by_another_key(self, script: Script) -> None:
        Thing.objects.bulk_create(Thing(code=f"c{number:04}") for number in range(300))
        script["items"] = lambda: sources.queryset(Thing.objects.all(), key="code")
        script["chunk"] = lambda operation, rows: rows.update(name="done") and None
        drive(start(IN_SETS))
        assert Thing.objects.filter(name="done").count() == 300

    def test_by_a_random_key(self, script: Script) -> None:
        Tagged.objects.bulk_create(Tagged() for _ in range(300))
        script["items"] = lambda: sources.queryset(Tagged.objects.all())
        run = drive(start(IN_SETS))
        keys = LedgerEntry.objects.filter(run=run.pk).values_list("item", flat=True)
        assert sorted(keys) == sorted(map(str, Tagged.objects.values_list("pk", flat=True)))

    @pytest.mark.parametrize("source", [sources.queryset, sources.selection])
    def test_a_set_may_be_deleted_joined_and_counted(self, script: Script, source: Any) -> None:
        Thing.objects.bulk_create(Thing(code=f"c{number}") for number in range(300))
        Child.objects.bulk_create(Child(thing=thing) for thing in Thing.objects.all())
        counted = []

        def chunk(operation: Any, rows: Any) -> None:
            counted.append((rows.count(), Child.objects.filter(thing__in=rows).count()))
            rows.delete()

        script |= {"items": lambda: source(Thing.objects.all()), "chunk": chunk}
        run = drive(start(IN_SETS))
        assert (run.state, Thing.objects.count(), Child.objects.count()) == ("succeeded", 0, 0)
        assert sum(rows for rows, _ in counted) == sum(children for _, children in counted) == 300

    def test_several_parts_do_each_row_once(self, script: Script) -> None:
        accounts(1_000)
        run = drive(start("tests.credit_in_sets_in_parts"))
        assert (run.state, balances()) == ("succeeded", Counter({1: 1_000}))

    @pytest.mark.once
    def test_the_rows_of_a_file_come_as_a_list_and_what_cannot_be_read_costs_no_other(self, script: Script) -> None:
        lines = "name,code\n" + "".join(f"n{number},c{number}\n" for number in range(200)) + "one\n"
        script["items"] = lambda: sources.csv(io.BytesIO(lines.encode()))
        script["chunk"] = lambda operation, rows: Thing.objects.bulk_create(Thing(**row) for row in rows) and None
        run = drive(start(IN_SETS))
        assert (run.state, Thing.objects.count()) == ("partial", 200)
        assert ItemOutcome.objects.get().code == "too-few-fields"


class Ticking:
    """A clock that a chunk moves on by so many seconds for each of its items."""

    def __init__(self, seen: list[int], pace: float) -> None:
        self.seen, self.pace = seen, pace

    def monotonic(self) -> float:
        return sum(self.seen) * self.pace


class TestHalving:
    def test_an_item_that_fails_costs_no_other_item_its_effect_and_doubles_none(self, script: Script) -> None:
        wrong = {0, 137, 138, 612, 999}
        sizes(script, raise_if_there(wrong, ValueError("bad")))
        run = drive(start(IN_SETS))
        assert run.state == "partial"
        assert ledger(run) == Counter(set(range(1_000)) - wrong)
        assert outcomes(run) == [(str(number), "failed", "error") for number in sorted(wrong)]

    def test_it_is_found_by_halves(self, script: Script) -> None:
        tried: list[int] = []

        def then(operation: Any, rows: list[int]) -> None:
            if 5_000 in rows:
                tried.append(len(rows))
                raise ValueError("bad")

        sizes(script, then)
        script["items"] = lambda: Numbers(10_000)
        run = drive(start(IN_SETS))
        assert outcomes(run) == [("5000", "failed", "error")]
        assert len(tried) <= math.log2(tried[0]) + 3  # down to one, which is done with a savepoint in the end

    @pytest.mark.once
    def test_of_rows_each_has_a_name_and_is_undone_alone(self, script: Script) -> None:
        rows = accounts(300)

        def chunk(operation: Any, chosen: Any) -> None:
            if chosen.filter(pk=rows[77].pk).exists():
                Account.objects.create(code="a" * 20, pk=rows[0].pk)

        script["chunk"] = chunk
        drive(start(CREDIT))
        outcome = ItemOutcome.objects.get()
        assert (outcome.key, outcome.label, outcome.code) == (str(rows[77].pk), "account of person 77", "error")
        assert balances() == Counter({1: 299, 0: 1})

    def test_what_only_commit_refuses_is_found_too(self, script: Script) -> None:
        def then(operation: Any, rows: list[int]) -> None:
            Child.objects.bulk_create(Child(thing_id=999) for number in rows if number == 333)

        sizes(script, then)
        run = drive(start(IN_SETS))
        assert outcomes(run) == [("333", "failed", "error")]
        assert ledger(run) == Counter(set(range(1_000)) - {333})

    def test_an_error_of_the_database_that_was_swallowed_costs_its_item_alone(self, script: Script) -> None:
        Account.objects.create(code="taken")

        def then(operation: Any, rows: list[int]) -> None:
            if 333 in rows:
                try:
                    with transaction.atomic(savepoint=False):
                        Account.objects.create(code="taken")
                except IntegrityError:
                    pass

        sizes(script, then)
        run = drive(start(IN_SETS))
        assert outcomes(run) == [("333", "failed", "error")]
        assert ledger(run) == Counter(set(range(1_000)) - {333})

    def test_a_fault_of_the_database_is_nobodys_fault(self, script: Script) -> None:
        class Deadlock(Exception):
            sqlstate = "40P01"
            sqlite_errorcode = 5

        faults = [None, None]

        def then(operation: Any, rows: list[int]) -> None:
            if 333 in rows and faults:
                faults.pop()
                raise OperationalError("deadlock detected") from Deadlock()

        seen = sizes(script, then)
        run = drive(start(IN_SETS))
        assert (run.state, ledger(run)) == ("succeeded", Counter(range(1_000)))
        assert 1 not in seen

    def test_what_the_operation_remembers_of_an_undone_chunk_is_forgotten(self, script: Script) -> None:
        remembered = []

        def then(operation: Any, rows: list[int]) -> None:
            if not hasattr(operation, "parent"):
                operation.parent = Thing.objects.create(code=f"parent-{rows[0]}-{len(rows)}")
            remembered.append(operation.parent.pk)
            Child.objects.create(thing=operation.parent)
            if 333 in rows:
                raise ValueError("bad")

        sizes(script, then)
        assert drive(start(IN_SETS)).state == "partial"
        assert set(Child.objects.values_list("thing", flat=True)) <= set(Thing.objects.values_list("pk", flat=True))

    @pytest.mark.once
    def test_when_all_fail_alike_the_run_pauses_as_it_does_with_process(self, script: Script) -> None:
        sizes(script, raise_if_there(set(range(1_000)), KeyError("email")))
        run = drive(start(IN_SETS))
        assert (run.state, run.reason_code) == ("paused", "failure-limit")
        assert run.reason_text == (
            "The first 50 items all failed with KeyError. Mend the cause, then resume: what failed is tried again."
        )
        del script["chunk"]
        runs.resume(run)
        while fresh(run).state == "running":
            end_waits()
            drive(run)
        assert ledger(run) == Counter(range(1_000))


class TestVerdicts:
    @pytest.mark.once
    def test_a_single_item_that_raises_one_ends_by_it(self, script: Script) -> None:
        def then(operation: Any, rows: list[int]) -> None:
            for number, error in ((100, Skip("needless", "No need.")), (200, Reject("unwanted", "No."))):
                if number in rows:
                    raise error

        sizes(script, then)
        run = drive(start(IN_SETS))
        assert outcomes(run) == [("100", "skipped", "needless"), ("200", "failed", "unwanted")]
        assert ledger(run) == Counter(set(range(1_000)) - {100, 200})

    def test_those_that_are_returned_end_so_without_a_chunk_being_undone(self, script: Script) -> None:
        def then(operation: Any, rows: list[int]) -> Any:
            return [(number, Reject("odd", f"{number} is odd.")) for number in rows if number % 2]

        script["items"] = lambda: Numbers(1_000)
        seen = sizes(script, then)
        run = drive(start(IN_SETS))
        assert sum(seen) == 1_000
        assert outcomes(run) == [(str(number), "failed", "odd") for number in range(1, 1_000, 2)]
        assert (run.parts.get().succeeded, run.parts.get().failures) == (500, {"odd": 500})

    @pytest.mark.parametrize("told_by", [lambda rows: rows, lambda rows: rows.values_list("pk", flat=True)])
    @pytest.mark.once
    def test_rows_of_a_queryset_are_returned_themselves_or_by_their_key(self, script: Script, told_by: Any) -> None:
        accounts(120)

        def chunk(operation: Any, rows: Any) -> Any:
            return [(row, Skip("seven")) for row in told_by(rows.filter(note__endswith="7"))]

        script["chunk"] = chunk
        run = drive(start(CREDIT))
        assert run.parts.get().skipped == 12
        assert set(ItemOutcome.objects.values_list("label", flat=True)) == {
            f"account of person {n}7" for n in ["", *range(1, 12)]
        }

    @pytest.mark.parametrize("items", [1_000, *once(1)])
    @pytest.mark.parametrize("returned", [[(0, "wrong")], *once(7, "done", [(4_711, Skip("x"))], [(0, Stop("x"))])])
    def test_anything_else_that_is_returned_pauses_the_run_and_says_what_is_right(
        self, script: Script, returned: Any, items: int
    ) -> None:
        script["items"] = lambda: Numbers(items)
        sizes(script, lambda operation, rows: returned)
        run = drive(start(IN_SETS))
        assert (run.state, run.reason_code) == ("paused", "operation-error")
        assert "process_chunk returned" in run.reason_text
        assert "[(row, Reject(…))]" in run.reason_text
        assert ledger(run) == Counter()

    def test_what_is_to_be_tried_again_is_done_in_later_passes(self, script: Script) -> None:
        wrong = {100, 500}
        sizes(script, raise_if_there(wrong, TryAgain()))
        run = drive(start(IN_SETS))
        assert snapshot(run.pk)["progress"]["retrying"] == 2
        assert outcomes(run) == [(str(number), "retrying", "tried-too-often") for number in sorted(wrong)]
        wrong.clear()
        end_waits()
        assert drive(run).state == "succeeded"
        assert ledger(run) == Counter(range(1_000))
        assert outcomes(run) == []

    def test_rows_that_are_gone_by_a_later_pass_are_skipped(self, script: Script) -> None:
        rows = accounts(4)
        script["chunk"] = lambda operation, chosen: [(row, TryAgain()) for row in chosen]
        run = drive(start(CREDIT))
        gone = str(rows[2].pk)
        rows[2].delete()
        del script["chunk"]
        end_waits()
        assert drive(run).state == "succeeded"
        assert outcomes(run) == [(gone, "skipped", "gone")]

    def test_a_retry_does_the_failed_ones(self, script: Script) -> None:
        wrong = {100, 500}
        sizes(script, raise_if_there(wrong, ValueError("bad")))
        run = drive(start(IN_SETS))
        wrong.clear()
        again = drive(runs.retry(run).run)
        assert (again.state, ledger(again)) == ("succeeded", Counter([100, 500]))

    @pytest.mark.parametrize(("error", "state"), [(Wait(60, "closed"), "running"), (Stop("enough"), "failed")])
    def test_wait_and_stop_are_heeded_at_once_and_their_chunk_counts_as_not_reached(
        self, script: Script, error: Exception, state: str
    ) -> None:
        seen = sizes(script, raise_if_there({333}, error))
        run = drive(start(IN_SETS))
        assert fresh(run).state == state
        reached = run.parts.get().succeeded
        assert ledger(run) == Counter(range(reached))
        assert reached + seen[-1] > 333 >= reached


class TestExactlyOnce:
    def test_a_chunk_whose_part_was_taken_over_is_undone(self, script: Script) -> None:
        accounts(500)
        run = start(CREDIT)
        taken = []

        def chunk(operation: Any, rows: Any) -> None:
            if not taken:
                taken.append(True)
                Part.objects.filter(run=run).update(token=F("token") + 1)

        script["chunk"] = chunk
        work(claim(run))
        assert balances() == Counter({0: 500})

    def test_after_two_deaths_single_rows_are_done(self, script: Script) -> None:
        accounts(70)
        seen = []
        script["chunk"] = lambda operation, chosen: seen.append(chosen.count())
        run = start(CREDIT)
        work(claim(run), after_items(1))
        seen.clear()
        for _ in range(2):
            expire(claim(run))
        drive(run)
        assert seen == [1] * 20
        assert balances() == Counter({1: 70})


@pytest.mark.parametrize("kind", [sources.queryset, sources.selection])
@pytest.mark.once
def test_a_source_that_a_project_keeps_stays_as_it_was_made(kind: Any, script: Script) -> None:
    accounts(12)
    kept = kind(Account.objects.all())
    before = dict(vars(kept))
    script["items"] = lambda: kept

    for name in (CREDIT, "tests.credit_locked", "tests.credit_accounts"):
        assert drive(start(name)).state == "succeeded"

    assert balances() == Counter({3: 12})
    assert vars(kept) == before, "one run's locks, keys or selection would be the next one's"
