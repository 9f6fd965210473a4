"""Looking a run up, pausing, resuming, cancelling: who may, what is answered, and that asking twice is asking once."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db.models import F

from headway import runner, runs
from headway.errors import Forbidden, InvalidState, RunNotFound
from headway.models import Run
from headway.snapshots import snapshot
from tests.app.driving import after_items, claim, counted, drive, fresh, start, work
from tests.app.models import LedgerEntry
from tests.once import once

from .conftest import Grant

VERBS = [runs.pause, runs.resume, runs.cancel, runs.retry]
LOOKS = [
    runs.get,
    *once(
        snapshot,
        lambda run: runs.may_see(run, None),
        lambda run: runs.may_steer(run, None),
        lambda run: list(runs.outcomes(run)),
        lambda run: [runs.log(run)],
    ),
]
names = pytest.mark.parametrize("verb", [VERBS[0], *once(*VERBS[1:])], ids=lambda verb: verb.__name__)


def after_one_item(run: Run) -> Run:
    """The run once a worker has planned it, done one item and given it back."""
    work(claim(run), should_stop=after_items())
    counted()
    return fresh(run)


def refusal(verb: Callable[..., Any], run: Run) -> tuple[str, tuple[str, ...], str]:
    """(state, actions, sentence) with which it is refused."""
    with pytest.raises(InvalidState) as raised:
        verb(run)
    return raised.value.state, raised.value.actions, str(raised.value)


@pytest.mark.django_db
class TestPlainText:
    """What callers put into headers and JSON is text and nothing but text."""

    def test_a_start_and_its_state_are(self) -> None:
        started = runs.start("tests.write_ledger", {"items": 3})
        assert {type(each) for each in (started.disposition, started.run.state)} == {str}

    def test_what_was_steered_is(self) -> None:
        run = after_one_item(start(items=3))
        steered = [runs.pause(run), runs.resume(run), runs.cancel(run)]
        assert {type(each) for run in steered for each in (run.state, run.want)} == {str}
        with pytest.raises(InvalidState) as raised:
            runs.pause(run)
        assert {type(each) for each in (raised.value.state, *raised.value.actions)} == {str}


@pytest.mark.django_db
class TestWho:
    @pytest.mark.parametrize("look", LOOKS)
    def test_a_run_is_found_by_itself_its_id_and_its_ids_text(self, look: Callable[..., Any]) -> None:
        run = drive(start(items=2, reject="1"))
        first, *others = [look(given) for given in (run, run.pk, str(run.pk))]
        assert first
        assert others == [first, first]

    @pytest.mark.parametrize("look", LOOKS)
    @pytest.mark.parametrize("given", ["nonsense", "3f6e1a52-5c1e-4d1b-9a55-0c8a4f0d9b11", *once("", "0198f3c2")])
    def test_what_is_not_there_is_not_found(self, given: str, look: Callable[..., Any]) -> None:
        with pytest.raises(RunNotFound) as raised:
            look(given)
        assert str(raised.value) == f"There is no run {given!r}."

    def test_its_owner_code_and_whoever_may_see_all_runs_see_it(self, person: Grant) -> None:
        ada = person("ada")
        run = runs.start("tests.write_ledger", user=ada).run
        assert [runs.get(run, user=user) for user in (ada, None, person("staff", "view_run"))] == [run] * 3

    def test_to_anybody_else_it_is_not_there(self, person: Grant) -> None:
        run = runs.start("tests.write_ledger", user=person("ada")).run
        for user in (person("bob"), AnonymousUser()):
            with pytest.raises(RunNotFound):
                runs.get(run, user=user)

    def test_a_run_that_code_has_started_belongs_to_nobody(self, person: Grant) -> None:
        run = start()
        for user in (person("bob"), AnonymousUser()):
            with pytest.raises(RunNotFound):
                runs.get(run, user=user)

    @names
    def test_a_strangers_wish_finds_no_run(self, person: Grant, verb: Callable[..., Any]) -> None:
        run = runs.start("tests.write_ledger", user=person("ada")).run
        with pytest.raises(RunNotFound):
            verb(run, user=person("bob"))
        assert fresh(run).state == "queued"

    @names
    def test_who_may_only_see_may_not_steer(self, person: Grant, verb: Callable[..., Any]) -> None:
        run = runs.start("tests.write_ledger", user=person("ada")).run
        with pytest.raises(Forbidden) as raised:
            verb(run, user=person("staff", "view_run"))
        assert str(raised.value) == (
            f"Run {run.pk} was started by somebody else; steering it takes the permission headway.change_run."
        )
        assert fresh(run).state == "queued"

    def test_who_may_steer_all_runs_is_named_as_the_one_who_did(self, person: Grant) -> None:
        run = runs.start("tests.write_ledger", user=person("ada")).run
        cancelled = runs.cancel(run, user=person("staff", "view_run", "change_run"))
        assert (cancelled.reason_code, cancelled.reason_text) == ("cancelled", "Cancelled by staff.")


@pytest.mark.django_db
class TestQueued:
    def test_it_is_cancelled_at_once_and_frees_its_key(self) -> None:
        run = start()
        cancelled = runs.cancel(run)
        assert (cancelled.state, cancelled.live_key) == ("cancelled", None)
        assert cancelled.finished_at is not None
        assert start() != run

    def test_it_can_neither_be_paused_nor_resumed_nor_retried(self) -> None:
        run = start()
        allowed = "It can be asked to: cancel."
        for verb in (runs.pause, runs.resume, runs.retry):
            name = verb.__name__
            assert refusal(verb, run) == (
                "queued",
                ("cancel",),
                f"The run is queued, so it can't be asked to {name}. {allowed}",
            )
        assert fresh(run) == run


@pytest.mark.django_db(transaction=True)
class TestRunning:
    def test_a_pause_is_carried_out_at_once_while_nobody_works_on_it(self) -> None:
        run = after_one_item(start())
        paused = runs.pause(run)
        assert (paused.state, paused.reason_code, paused.reason_text) == ("paused", "paused", "Paused.")
        assert drive(run).state == "paused"

    def test_a_pause_waits_for_the_item_in_hand(self) -> None:
        run = after_one_item(start(items=5))
        part = claim(run)
        assert runs.pause(run).state == "pausing"
        assert work(part, should_stop=after_items()) is runner.Ending.DONE
        assert fresh(run).state == "paused"
        assert LedgerEntry.objects.count() == 2

    def test_a_pause_that_is_taken_back_in_time_changes_nothing(self) -> None:
        run = after_one_item(start(items=5))
        part = claim(run)
        runs.pause(run)
        resumed = runs.resume(run)
        assert (resumed.state, resumed.reason_code, resumed.reason_text) == ("running", "", "")
        work(part)
        assert fresh(run).state == "succeeded"

    def test_it_goes_on_where_it_stopped(self) -> None:
        run = after_one_item(start(items=5))
        runs.pause(run)
        runs.resume(run)
        assert drive(run).state == "succeeded"
        assert sorted(LedgerEntry.objects.values_list("item", flat=True)) == ["0", "1", "2", "3", "4"]

    @pytest.mark.parametrize(("ended_by", "pauses"), [(runs.resume, 2), (runs.cancel, 1)])
    def test_pauses_are_no_part_of_the_time_that_it_takes(self, ended_by: Callable[[Run], Run], pauses: int) -> None:
        run = after_one_item(start(items=5))
        for _ in range(pauses):
            runs.pause(run)
            Run.objects.filter(pk=run.pk).update(paused_since=F("paused_since") - 60_000)
            ended_by(run)
        seen = snapshot(drive(run).pk)
        assert 60 * pauses <= seen["paused_seconds"] < 60 * pauses + 30

    def test_a_cancel_waits_for_the_item_in_hand_and_what_is_done_stays_done(self) -> None:
        run = after_one_item(start(items=5))
        part = claim(run)
        assert runs.cancel(run).state == "cancelling"
        work(part, should_stop=after_items())
        assert fresh(run).state == "cancelled"
        assert LedgerEntry.objects.count() == 2

    def test_a_paused_run_is_cancelled_at_once(self) -> None:
        run = after_one_item(start())
        runs.pause(run)
        assert runs.cancel(run).state == "cancelled"

    def test_a_cancel_outranks_a_pause_and_is_not_taken_back(self) -> None:
        run = after_one_item(start())
        part = claim(run)
        runs.pause(run)
        runs.cancel(run)
        for verb in (runs.pause, runs.resume):
            assert refusal(verb, run) == (
                "cancelling",
                (),
                f"The run is cancelling, so it can't be asked to {verb.__name__}. Nothing can be asked of it now.",
            )
        work(part)
        assert fresh(run).state == "cancelled"

    @pytest.mark.parametrize(
        ("verb", "meanwhile", "afterwards"),
        [(runs.pause, "pausing", "paused"), (runs.cancel, "cancelling", "cancelled")],
        ids=["pause", "cancel"],
    )
    def test_asking_again_changes_nothing(self, verb: Callable[..., Run], meanwhile: str, afterwards: str) -> None:
        run = after_one_item(start())
        part = claim(run)
        first, again = verb(run), verb(run)
        assert (again.state, again.revision) == (meanwhile, first.revision)
        work(part)
        rested = fresh(run)
        assert (verb(run).state, verb(run).revision) == (afterwards, rested.revision)

    def test_resuming_a_running_run_changes_nothing(self) -> None:
        run = after_one_item(start())
        resumed = runs.resume(run)
        assert (resumed.state, resumed.revision) == ("running", run.revision)


@pytest.mark.django_db(transaction=True)
class TestEnded:
    @pytest.mark.parametrize("verb", [runs.pause, *once(runs.resume, runs.cancel)], ids=lambda verb: verb.__name__)
    def test_nothing_can_be_asked_of_a_run_that_has_succeeded(self, verb: Callable[..., Run]) -> None:
        run = drive(start())
        assert refusal(verb, run) == (
            "succeeded",
            (),
            f"The run is succeeded, so it can't be asked to {verb.__name__}. Nothing can be asked of it now.",
        )

    @pytest.mark.parametrize(
        ("given", "ended"),
        [({"reject": "1"}, "partial"), ({"stop": "1"}, "failed"), *once(({"items": 1, "reject": "0"}, "failed"))],
        ids=["some failed", "it was stopped", "all failed"],
    )
    def test_a_run_that_failed_or_is_partial_can_only_be_retried(self, given: dict[str, Any], ended: str) -> None:
        run = drive(start(**given))
        for verb in (runs.pause, runs.resume, runs.cancel):
            state, actions, _ = refusal(verb, run)
            assert (state, actions) == (ended, ("retry",))
