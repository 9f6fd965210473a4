"""A retry takes up what failed and what was not reached, each once, however long the chain."""

from collections.abc import Callable
from typing import Any

import pytest

from headway import Operation, Reject, Stop, runs, sources
from headway.errors import AlreadyRetried, InvalidState, NothingToRetry, RunConflict
from headway.models import ItemOutcome, Run
from headway.runs import Disposition, Started
from headway.snapshots import snapshot
from tests.app.driving import after_items, claim, drive, fresh, start, work
from tests.app.models import LedgerEntry, Thing
from tests.app.sources import Numbers
from tests.once import once

from .conftest import Grant

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]


class RefuseThings(Operation):
    """Refuses the things that are called so."""

    name = "tests.refuse_things"

    def items(self) -> sources.Source[Thing]:
        return sources.queryset(Thing.objects.all())

    def process(self, thing: Thing) -> None:
        if thing.name == "fail":
            raise Reject("refused")

    def label(self, thing: Thing) -> str:
        return f"thing {thing.code}"


def failing(*numbers: int) -> Callable[[Any, int], None]:
    """What the script does before an item: let these fail."""

    def before(operation: Any, number: int) -> None:
        if number in numbers:
            raise Reject("not-today", f"{number} fails today.")

    return before


def stopped_after(run: Run, items: int) -> Run:
    """The run, cancelled when a worker has ended so many items."""
    work(claim(run), should_stop=after_items(items))
    return runs.cancel(run)


def processed(run: Run) -> tuple[int, int]:
    """(items that succeeded, items that failed) in this run alone."""
    parts = list(run.parts.all())
    return sum(part.succeeded for part in parts), sum(part.failed for part in parts)


def done() -> list[int]:
    """The items in the ledger, each as often as it was done."""
    return sorted(int(item) for item in LedgerEntry.objects.values_list("item", flat=True))


class TestChain:
    def test_a_retry_that_never_began_leaves_what_it_was_to_take_up(self, script: Script) -> None:
        script["before"] = failing(1, 3)
        first = drive(start("tests.scripted"))
        never_begun = runs.cancel(runs.retry(first).run)
        nor_did_this = runs.cancel(runs.retry(never_begun).run)

        script["before"] = failing(3)
        last = drive(runs.retry(nor_did_this).run)

        assert (first.state, never_begun.state, nor_did_this.state) == ("partial", "cancelled", "cancelled")
        assert (last.state, processed(last)) == ("partial", (1, 1))
        assert done() == [0, 1, 2, 4]

    def test_the_retry_of_one_that_never_began_goes_on_where_the_first_run_stopped(self, script: Script) -> None:
        first = stopped_after(start("tests.scripted"), items=2)
        never_begun = runs.cancel(runs.retry(first).run)

        last = drive(runs.retry(never_begun).run)

        assert (last.state, processed(last)) == ("succeeded", (3, 0))
        assert done() == [0, 1, 2, 3, 4]

    def test_failed_and_unreached_items_are_done_once_each_over_a_chain(self, script: Script) -> None:
        script["items"] = lambda: Numbers(10)
        script["before"] = failing(1, 3)
        first = stopped_after(start("tests.scripted"), items=6)  # 0 to 5
        assert processed(first) == (4, 2)

        script["before"] = failing(3, 7)
        second = stopped_after(runs.retry(first).run, items=2)  # 1 and 3
        assert processed(second) == (1, 1)
        assert second.retry_of == first

        third = drive(runs.retry(second).run)  # 3 again, then 6 to 9
        assert (third.state, processed(third)) == ("partial", (3, 2))

        script["before"] = failing()
        fourth = drive(runs.retry(third).run)
        assert (fourth.state, processed(fourth)) == ("succeeded", (2, 0))
        assert done() == list(range(10))
        assert {run.root for run in (second, third, fourth)} == {first}

    def test_a_run_that_was_cancelled_before_it_began_is_done_from_its_start(self, script: Script) -> None:
        first = start("tests.scripted")
        runs.cancel(first)
        second = drive(runs.retry(first).run)
        assert (second.state, processed(second)) == ("succeeded", (5, 0))

    def test_the_item_that_stopped_a_run_is_done_by_its_retry(self, script: Script) -> None:
        def stop(operation: Any, number: int) -> None:
            if number == 2:
                raise Stop("The disk is full.")

        script["before"] = stop
        first = drive(start("tests.scripted"))
        assert (first.state, first.reason_code, first.reason_text) == ("failed", "stopped", "The disk is full.")

        script["before"] = failing()
        assert drive(runs.retry(first).run).state == "succeeded"
        assert done() == [0, 1, 2, 3, 4]

    def test_skipped_items_are_not_done_again(self) -> None:
        first = drive(start(items=4, reject="1", skip="2"))
        second = drive(runs.retry(first).run)
        assert processed(second) == (0, 1)

    def test_it_has_its_originals_owner_parameters_and_language(self, person: Grant) -> None:
        ada, staff = person("ada"), person("staff", "view_run", "change_run")
        first = drive(runs.start("tests.write_ledger", {"items": 2, "reject": "1"}, user=ada).run)
        second = runs.retry(first, user=staff).run
        assert (second.started_by, second.params, second.language) == (ada, first.params, first.language)


class TestGone:
    def test_an_item_that_was_deleted_meanwhile_is_told_by_its_name(self) -> None:
        for code in ("kept", "lost"):
            Thing.objects.create(name="fail", code=code)
        first = drive(start("tests.refuse_things"))
        assert first.state == "failed"

        Thing.objects.filter(code="lost").delete()
        Thing.objects.update(name="mended")
        second = drive(runs.retry(first).run)

        assert second.state == "succeeded"
        outcome = ItemOutcome.objects.get(run=second)
        assert (outcome.state, outcome.code) == ("skipped", "gone")
        assert (outcome.text, outcome.label) == ("It isn't there any more.", "thing lost")


class TestRefused:
    @pytest.mark.parametrize("fails", [(), (2,)], ids=["nothing failed", "some failed"])
    @pytest.mark.parametrize("reached", [5, *once(0, 2)], ids="after {} of 5 items".format)
    def test_a_retry_is_offered_just_where_it_would_be_taken(
        self, script: Script, reached: int, fails: tuple[int, ...]
    ) -> None:
        script["before"] = failing(*fails)
        script["on_finish"] = lambda: 1 / 0  # it pauses there, and can still be cancelled
        run = start("tests.scripted")
        if reached == 5:
            drive(run)
            runs.cancel(run)
        elif reached:
            stopped_after(run, reached)
        else:
            runs.cancel(run)

        offered = "retry" in snapshot(run.pk)["actions"]

        assert offered is (reached < 5 or bool(fails))
        try:
            taken = runs.retry(run).disposition == Disposition.CREATED
        except NothingToRetry:
            taken = False
        assert taken is offered

    def test_a_run_without_failures_has_nothing_to_retry(self) -> None:
        run = drive(start(items=3, skip="1"))
        with pytest.raises(NothingToRetry) as raised:
            runs.retry(run)
        assert str(raised.value) == (
            f"Run {run.pk} has no failed item to do again and left none out, so there is nothing to retry."
        )
        assert Run.objects.count() == 1

    def test_a_live_run_cannot_be_retried(self) -> None:
        run = start()
        work(claim(run), should_stop=after_items())
        with pytest.raises(InvalidState) as raised:
            runs.retry(run)
        assert (raised.value.state, raised.value.actions) == ("running", ("pause", "cancel"))

    def test_a_second_retry_names_the_newest_of_the_chain(self) -> None:
        first = drive(start(items=2, reject="1"))
        second = drive(runs.retry(first).run)
        third = drive(runs.retry(second).run)
        for run in (first, second):
            with pytest.raises(AlreadyRetried) as raised:
                runs.retry(run)
            assert raised.value.newest == third.pk
            assert str(raised.value) == (
                f"Run {run.pk} has been retried already. Retry the newest run of its chain instead: {third.pk}."
            )

    def test_another_run_with_the_same_key_is_named(self) -> None:
        first = drive(start(items=2, reject="1"))
        other = start(items=2)
        with pytest.raises(RunConflict) as raised:
            runs.retry(first)
        assert raised.value.existing == other.pk
        assert str(raised.value) == (
            f"Run {other.pk} of tests.write_ledger is live, and has the same concurrency key. "
            "Wait for its end, or cancel it."
        )


class TestTold:
    def test_a_run_that_was_retried_names_its_retry_and_offers_none_until_that_is_deleted(self) -> None:
        run = drive(start(items=2, reject="1"))
        seen = [snapshot(run)]
        retry = runs.retry(run).run
        seen.append(snapshot(run))
        runs.delete(runs.cancel(retry))
        seen.append(snapshot(run))

        assert [(one["retried_by"], one["actions"]) for one in seen] == [
            (None, ["retry"]),
            (str(retry.pk), []),
            (None, ["retry"]),
        ]
        assert seen[0]["revision"] < seen[1]["revision"] < seen[2]["revision"]
        assert runs.retry(run).disposition == Disposition.CREATED

    @pytest.mark.once
    def test_a_retry_that_was_refused_is_no_change(self) -> None:
        run = drive(start(items=2, reject="1"))
        start(items=2)  # has its concurrency key
        before = snapshot(run)
        with pytest.raises(RunConflict):
            runs.retry(run)
        assert snapshot(run) == before


class TestJoined:
    def test_a_retry_that_is_live_is_joined(self) -> None:
        first = drive(start(items=2, reject="1"))
        second = runs.retry(first)
        assert second.disposition == "created"
        assert runs.retry(first) == Started(second.run, Disposition.JOINED)

    def test_so_is_the_newest_of_a_chain_from_any_of_its_runs(self) -> None:
        first = drive(start(items=2, reject="1"))
        second = drive(runs.retry(first).run)
        third = runs.retry(second).run
        assert runs.retry(first) == Started(third, Disposition.JOINED)
        assert fresh(third).state == "queued"
