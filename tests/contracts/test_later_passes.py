"""Items that are tried again, in later passes of their run; runs that wait; runs that stop because too much fails."""

from collections import Counter
from typing import Any

import pytest
from django.db.models import F

from headway import Reject, TryAgain, Wait, runner, runs, sources
from headway.database import now_ms
from headway.models import ItemOutcome, Part, Run
from headway.runner import limits
from headway.snapshots import snapshot
from headway.store.parts import leases, passes
from headway.store.upkeep.tidying import bring_back
from headway.testing import end_waits
from headway.ui import failures
from tests.app.driving import after_items, claim, drive, expire, fresh, start, work
from tests.app.models import LedgerEntry, Thing
from tests.app.sources import Numbers
from tests.once import once

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]


def ledger(run: Run) -> Counter[int]:
    """How often each number is in the ledger."""
    return Counter(int(item) for item in LedgerEntry.objects.filter(run=run.pk).values_list("item", flat=True))


def once_each(count: int) -> Counter[int]:
    return Counter(range(count))


def raise_for(script: Script, numbers: set[int], error: Exception) -> Counter[int]:
    """Let these numbers raise it after they have written, until `mend`; gives how often each was done."""
    script["wrong"] = numbers
    done: Counter[int] = Counter()

    def after(operation: Any, number: int) -> None:
        done[number] += 1
        if number in script["wrong"]:
            raise error

    script["after"] = after
    return done


def mend(script: Script) -> None:
    script["wrong"] = set()


def go_on(run: Run, script: Script) -> Run:
    """With what was wrong mended, and as if what it waits for were over, until it ends or a person is needed."""
    mend(script)
    while fresh(run).state == "running":
        end_waits()
        drive(run)
    return fresh(run)


def outcomes(run: Run) -> list[tuple[str, str, str]]:
    return list(ItemOutcome.objects.filter(run=run).order_by("id").values_list("key", "state", "code"))


class TestTryAgain:
    def test_an_item_to_be_tried_again_holds_up_no_other_and_succeeds_in_a_later_pass(self, script: Script) -> None:
        raise_for(script, {1, 3}, TryAgain("The service is busy."))
        run = drive(start("tests.scripted"))

        now = snapshot(run.pk)
        assert (now["state"], now["done"]) == ("running", False)
        counted = {"processed": 3, "succeeded": 3, "failed": 0, "retrying": 2}
        assert counted.items() <= now["progress"].items()
        assert now["waiting_until"] is not None
        assert outcomes(run) == [("1", "retrying", "tried-too-often"), ("3", "retrying", "tried-too-often")]
        assert ledger(run) == Counter({0: 1, 2: 1, 4: 1}), "what it wrote is undone"

        assert go_on(run, script).state == "succeeded"
        assert ledger(run) == once_each(5)
        assert outcomes(run) == []
        assert snapshot(run.pk)["progress"]["retrying"] == 0

    def test_nothing_is_done_before_its_time(self, script: Script) -> None:
        done = raise_for(script, {1}, TryAgain(after=3600))
        run = drive(start("tests.scripted"))
        done.clear()
        assert leases.claim("other", 1) is None

        Part.objects.filter(run=run).update(due=1)  # as if its doorbell had been rung
        assert drive(run).state == "running"
        assert not done

    @pytest.mark.once
    def test_an_item_without_attempts_left_fails_and_says_how_often_it_was_tried(self, script: Script) -> None:
        raise_for(script, {2}, ConnectionError("down"))
        run = drive(start("tests.scripted_again"))
        for _ in range(2):
            end_waits()
            drive(run)

        assert fresh(run).state == "partial"
        outcome = ItemOutcome.objects.get(run=run)
        assert (outcome.key, outcome.state, outcome.attempts, outcome.retry_at) == ("2", "failed", 3, None)
        assert outcome.text.endswith("It was tried 3 times.")
        assert ledger(run) == Counter({0: 1, 1: 1, 3: 1, 4: 1})

    @pytest.mark.once
    def test_process_is_told_which_attempt_it_is(self, script: Script) -> None:
        told: list[tuple[int, int]] = []

        def before(operation: Any, number: int) -> None:
            told.append((number, operation.attempt))
            if number in script["wrong"]:
                raise TryAgain

        script |= {"before": before, "wrong": {1, 3}}
        run = drive(start("tests.scripted"))
        end_waits()
        script["wrong"] = {3}
        drive(run)
        go_on(run, script)
        assert {each for each in told if each[0] in (1, 3)} == {(1, 1), (1, 2), (3, 1), (3, 2), (3, 3)}
        assert {attempt for number, attempt in told if number not in (1, 3)} == {1}

    @pytest.mark.once
    def test_what_retry_does_not_cover_fails_at_once(self, script: Script) -> None:
        raise_for(script, {2}, ValueError("no"))
        run = drive(start("tests.scripted_again"))
        assert (run.state, outcomes(run)) == ("partial", [("2", "failed", "error")])

    @pytest.mark.once
    def test_retry_after_is_waited_for(self, script: Script) -> None:
        busy = ConnectionError("429")
        busy.headers = {"Retry-After": "120"}  # type: ignore[attr-defined]
        raise_for(script, {2}, busy)
        before = now_ms()
        run = drive(start("tests.scripted_again"))
        retry_at = ItemOutcome.objects.values_list("retry_at", flat=True).get(run=run)
        assert before + 120_000 <= (retry_at or 0) <= now_ms() + 120_000
        assert Part.objects.get(run=run).due == retry_at

    def test_a_worker_that_dies_in_a_later_pass_does_nothing_twice(self, script: Script) -> None:
        raise_for(script, {0, 1, 2, 3, 4}, TryAgain())
        run = drive(start("tests.scripted"))
        end_waits()
        mend(script)
        part = claim(run)
        work(part, after_items(2))
        part = claim(run, "second")
        expire(part)
        assert drive(run).state == "succeeded"
        assert ledger(run) == once_each(5)

    def test_a_row_that_is_gone_by_its_later_pass_is_skipped(self, script: Script) -> None:
        things = [Thing.objects.create(code=str(number)) for number in range(3)]
        script["items"] = lambda: sources.queryset(Thing.objects.all())
        asked: list[int] = []

        def before(operation: Any, thing: Thing) -> None:
            asked.append(thing.pk)
            if thing.pk == things[1].pk:
                raise TryAgain

        script["before"] = before
        run = drive(start("tests.scripted"))
        things[1].delete()
        assert go_on(run, script).state == "succeeded"
        assert outcomes(run) == [(str(asked[1]), "skipped", "gone")]

    @pytest.mark.once
    def test_what_prepare_could_not_reach_is_prepared_again(self, script: Script) -> None:
        asked: Counter[int] = Counter()

        def prepare(operation: Any, number: int) -> int:
            asked[number] += 1
            if number == 3 and asked[number] == 1:
                raise TryAgain("not yet")
            return number

        script["prepare"] = prepare
        run = drive(start("tests.prepare_inline"))
        assert go_on(run, script).state == "succeeded"
        assert LedgerEntry.objects.filter(run=run.pk).count() == 12
        assert asked[3] == 2

    def test_what_a_cancelled_run_had_still_to_try_has_failed_and_a_retry_takes_it_up(self, script: Script) -> None:
        raise_for(script, {1, 3}, TryAgain())
        run = drive(start("tests.scripted"))

        assert runs.cancel(run).state == "cancelled"
        mend(script)
        now = snapshot(run.pk)
        assert (now["progress"]["failed"], now["progress"]["retrying"]) == (2, 0)
        assert now["failure_summary"] == [{"code": "tried-too-often", "count": 2}]
        again = drive(runs.retry(run).run)
        assert again.state == "succeeded"
        assert ledger(again) == Counter({1: 1, 3: 1})

    @pytest.mark.once
    def test_a_key_that_a_source_gave_twice_keeps_no_run_from_its_end(self, script: Script) -> None:
        class Twice(Numbers):
            def read(self, bounds: Any, after: Any) -> Any:
                for cursor, _, number in super().read(bounds, after):
                    yield cursor, str(number % 2), number

        def before(operation: Any, number: int) -> None:
            if number == 1:
                raise TryAgain
            if number == 3:
                raise Reject("unwanted")

        script |= {"before": before, "items": lambda: Twice(4)}
        run = drive(start("tests.scripted"))
        assert run.state == "partial"
        assert snapshot(run.pk)["progress"]["retrying"] == 0

    def test_a_pause_between_two_passes_ends_with_the_resume(self, script: Script) -> None:
        raise_for(script, {1}, TryAgain(after=3600))
        run = drive(start("tests.scripted"))
        assert runs.pause(run).state == "paused"
        assert snapshot(run.pk)["waiting_until"] is None
        runs.resume(run)
        assert go_on(run, script).state == "succeeded"


class TestWait:
    def test_a_run_that_waits_says_until_when_and_why_and_goes_on_with_the_same_item(self, script: Script) -> None:
        raise_for(script, {2}, Wait(600, "The bank is closed."))
        run = start("tests.scripted")

        assert work(claim(run)) is runner.Ending.GIVEN_BACK

        now = snapshot(run.pk)
        assert now["reason"] == {"code": "waiting", "text": "The bank is closed."}
        assert now["waiting_until"] is not None
        assert now["progress"]["processed"] == 2
        assert leases.claim("other", 1) is None
        assert go_on(run, script).state == "succeeded"
        assert ledger(run) == once_each(5)
        assert not ItemOutcome.objects.filter(run=run).exists()

    @pytest.mark.once
    def test_no_time_to_wait_is_refused_where_it_is_said(self) -> None:
        with pytest.raises(ValueError, match="give seconds, from 0 to 2,592,000"):
            Wait(-1, "no")
        with pytest.raises(ValueError, match="'soon' is no time to wait"):
            TryAgain(after="soon")  # type: ignore[arg-type]


class TestOutage:
    def test_when_fifty_in_a_row_fail_the_part_waits_and_nobody_loses_an_attempt(self, script: Script) -> None:
        down = True
        asked: Counter[int] = Counter()

        def before(operation: Any, number: int) -> None:
            asked[number] += 1
            if down and number >= 10:
                raise ConnectionError("refused")

        script |= {"before": before, "items": lambda: Numbers(300)}
        run = start("tests.scripted_again")
        work(claim(run), after_items(10 + 12))  # in the midst of it, as where a chunk's time is over
        for looks in range(8):
            work(claim(run))
            now = snapshot(run.pk)
            assert (
                f"{50 + looks} attempts in a row have failed, so what it calls seems to be down"
                in now["reason"]["text"]
            )
            assert now["waiting_until"] is not None
            end_waits()
        assert now["progress"]["failed"] == 0
        assert set(ItemOutcome.objects.filter(run=run).values_list("state", "attempts")) == {("retrying", 0)}
        probes = len(asked) - 10 - 50
        assert probes <= 7, "an outage marches through the items"

        down = False
        assert go_on(run, script).state == "succeeded"
        assert ledger(run) == once_each(300)

    @pytest.mark.once
    def test_other_errors_between_them_are_no_outage(self, script: Script) -> None:
        def before(operation: Any, number: int) -> None:
            if number % 10:
                raise ConnectionError("refused")

        script |= {"before": before, "items": lambda: Numbers(200)}
        run = drive(start("tests.scripted_again"))
        assert snapshot(run.pk)["progress"]["retrying"] == 180


class TestTolerance:
    def test_too_many_failures_pause_the_run_and_a_resume_tries_them_again(self, script: Script) -> None:
        raise_for(script, {1, 4, 7, 8}, ValueError("broken"))
        script["items"] = lambda: Numbers(1_000)
        run = drive(start("tests.scripted_tolerant"))

        now = snapshot(run.pk)
        assert (now["state"], now["reason"]["code"]) == ("paused", "failure-limit")
        assert now["reason"]["text"].startswith(f"{now['progress']['failed']} of ")
        assert 2 < now["progress"]["failed"] <= 4

        resumed = snapshot(runs.resume(run).pk)
        assert (resumed["state"], resumed["progress"]["failed"], resumed["failure_summary"]) == ("running", 0, [])
        assert go_on(run, script).state == "succeeded"
        assert ledger(run) == once_each(1_000)

    @pytest.mark.parametrize("error", [Reject("no", "No."), *once(ValueError("broken"))])
    def test_no_more_fail_than_one_above_the_count(self, script: Script, error: Exception) -> None:
        raise_for(script, set(range(7, 10_000)), error)
        script["items"] = lambda: Numbers(10_000)
        run = drive(start("tests.scripted_tolerant"))
        assert snapshot(run.pk)["progress"]["failed"] == 3

    def test_a_part_that_was_closed_with_failures_is_opened_again(self, script: Script) -> None:
        raise_for(script, {1, 2, 7}, ValueError("broken"))
        script["items"] = lambda: Numbers(10)
        run = drive(start("tests.scripted_tolerant_in_parts"))
        assert fresh(run).reason_code == "failure-limit"
        runs.resume(run)
        assert (go_on(run, script).state, fresh(run).parts_left) == ("succeeded", 0)
        assert ledger(run) == once_each(10)

    @pytest.mark.once
    def test_too_large_a_share_fails_the_run_where_that_is_declared(self, script: Script) -> None:
        raise_for(script, set(range(0, 1_000, 5)), ValueError("broken"))
        script["items"] = lambda: Numbers(1_000)
        run = drive(start("tests.scripted_strict"))
        assert (run.state, run.reason_code) == ("failed", "failure-limit")
        assert snapshot(run.pk)["progress"]["processed"] < 1_000

    @pytest.mark.once
    def test_what_is_within_the_tolerance_goes_on(self, script: Script) -> None:
        raise_for(script, {1, 4}, ValueError("broken"))
        assert drive(start("tests.scripted_tolerant")).state == "partial"


class TestBrake:
    def test_when_the_first_fifty_all_fail_alike_the_run_pauses_before_the_rest(self, script: Script) -> None:
        done = raise_for(script, set(range(1_000)), KeyError("email"))
        script["items"] = lambda: Numbers(1_000)
        run = drive(start("tests.scripted"))

        now = snapshot(run.pk)
        assert (now["state"], now["reason"]["code"]) == ("paused", "failure-limit")
        assert "The first 50 items all failed with KeyError." in now["reason"]["text"]
        assert now["progress"]["failed"] == 50
        assert max(done) == 49, "the rest was spared"
        runs.resume(run)
        assert go_on(run, script).state == "succeeded"
        assert ledger(run) == once_each(1_000)

    @pytest.mark.parametrize(("odd", "state"), [(5, "paused"), (6, "failed")])
    @pytest.mark.once
    def test_a_few_odd_ones_among_them_change_nothing(self, script: Script, odd: int, state: str) -> None:
        def before(operation: Any, number: int) -> None:
            raise Reject("unwanted", "No.") if number == 0 else (KeyError, ValueError)[number < odd](number)

        script |= {"before": before, "items": lambda: Numbers(200)}
        run = drive(start("tests.scripted"))
        assert run.state == state
        assert run.outcomes.count() == (50 if state == "paused" else 200)
        if state == "paused":
            assert "The first 50 items all failed, 45 of them with KeyError." in run.reason_text
            assert run.reason_detail.startswith("KeyError: 5")
        (reason,) = (each for each in failures.reasons_of(snapshot(run.pk)) if each["code"] == "error")
        assert reason["example"] is not None
        assert reason["example"].detail.startswith(f"KeyError: {odd}"), "the example is of what happened most"

    @pytest.mark.parametrize(
        "error_of",
        [
            lambda number: Reject("unwanted", "No."),
            lambda number: (KeyError, ValueError)[number % 2]("no"),
        ],
        ids=["by a rule", "for different reasons"],
    )
    @pytest.mark.once
    def test_what_fails_otherwise_goes_on(self, script: Script, error_of: Any) -> None:
        def before(operation: Any, number: int) -> None:
            raise error_of(number)

        script |= {"before": before, "items": lambda: Numbers(200)}
        run = drive(start("tests.scripted"))
        assert (run.state, run.reason_code) == ("failed", "every-item-failed")

    @pytest.mark.once
    def test_one_that_succeeds_releases_it(self, script: Script) -> None:
        raise_for(script, set(range(1, 200)), KeyError("email"))
        script["items"] = lambda: Numbers(200)
        assert drive(start("tests.scripted")).state == "partial"


class Dead(BaseException):
    """Whatever ends a worker between two transactions."""


def refuse_all(script: Script, error: Exception, *, among: range) -> None:
    """Let each of these numbers raise it, before it writes, until `mend`."""
    script["wrong"] = set(among)

    def before(operation: Any, number: int) -> None:
        if number in script["wrong"]:
            raise error

    script |= {"before": before, "items": lambda: Numbers(among.stop)}


class TestWhateverComesBetween:
    @pytest.mark.parametrize("ask", [runs.cancel, *once(runs.pause)])
    def test_a_wish_that_meets_an_outage_leaves_counts_and_outcomes_at_one(
        self, script: Script, monkeypatch: pytest.MonkeyPatch, ask: Any
    ) -> None:
        refuse_all(script, ConnectionError("refused"), among=range(60))
        run = start("tests.scripted_again")
        wait = passes.wait

        def meanwhile(*given: Any) -> bool:
            ask(fresh(run))
            return wait(*given)

        monkeypatch.setattr(passes, "wait", meanwhile)
        work(claim(run))

        part = Part.objects.get(run=run)
        states = Counter(state for _, state, _ in outcomes(run))
        assert (part.failed, part.retrying) == (states["failed"], states["retrying"])
        assert states.total() >= 50

    def test_a_worker_that_dies_as_the_outage_is_found_costs_no_item_an_attempt(
        self, script: Script, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refuse_all(script, ConnectionError("refused"), among=range(80))
        run = start("tests.scripted_again")
        die_at(passes, "wait", run, monkeypatch)
        end_waits()
        work(claim(run))
        assert set(ItemOutcome.objects.filter(run=run).values_list("attempts", flat=True)) == {0}

    @pytest.mark.once
    def test_items_without_attempts_left_are_spared_by_an_outage(self, script: Script) -> None:
        refuse_all(script, ConnectionError("refused"), among=range(60))
        run = start("tests.scripted_again")
        script["wrong"] -= set(range(0, 60, 10))  # so that it's no outage yet
        drive(run)
        assert ItemOutcome.objects.filter(run=run).update(attempts=2) == 54
        end_waits()
        work(claim(run))
        part = Part.objects.get(run=run)
        assert (part.failed, part.failures, part.retrying) == (0, {}, 54)
        assert go_on(run, script).state == "succeeded"

    @pytest.mark.once
    def test_a_wait_is_no_death(self, script: Script) -> None:
        refuse_all(script, Wait(60, "closed"), among=range(1))
        run = start("tests.scripted")
        for _ in range(2):
            expire(claim(run))  # from now on its owners are careful
        for _ in range(5):
            drive(run)
            end_waits()
        assert outcomes(run) == []
        assert go_on(run, script).state == "succeeded"

    def test_a_pass_in_which_nothing_is_due_is_no_death(self, script: Script) -> None:
        Thing.objects.create(code="0")

        def before(operation: Any, thing: Thing) -> None:
            if operation.attempt == 1:
                raise TryAgain(after=3600)

        script |= {"before": before, "items": lambda: sources.queryset(Thing.objects.all()), "wrong": set()}
        run = start("tests.scripted")
        for _ in range(2):
            expire(claim(run))
        drive(run)
        for _ in range(5):
            runs.pause(run)
            runs.resume(run)
            drive(run)
        assert go_on(run, script).state == "succeeded"

    @pytest.mark.once
    def test_a_limit_that_the_last_worker_had_no_time_to_see_is_seen_at_the_end(
        self, script: Script, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        refuse_all(script, ValueError("broken"), among=range(4))
        script["items"] = lambda: Numbers(8)
        run = start("tests.scripted_tolerant")
        die_at(limits, "limit_reached", run, monkeypatch)
        assert drive(run).reason_code == "failure-limit"

    @pytest.mark.once
    def test_a_limit_counts_before_a_wait(self, script: Script) -> None:
        def before(operation: Any, number: int) -> None:
            if number < 5:
                raise Reject("unwanted")
            if number == 5:
                raise Wait(60, "closed")

        script |= {"before": before, "items": lambda: Numbers(20)}
        assert drive(start("tests.scripted_tolerant")).reason_code == "failure-limit"

    def test_items_wait_no_longer_when_the_clock_is_set_back(self, script: Script) -> None:
        raise_for(script, {1}, TryAgain(after=10))
        run = drive(start("tests.scripted"))
        day = 86_400_000
        Part.objects.filter(run=run).update(due=F("due") + day, changed=F("changed") + day)
        ItemOutcome.objects.filter(run=run).update(retry_at=F("retry_at") + day)

        bring_back()

        assert (ItemOutcome.objects.values_list("retry_at", flat=True).get(run=run) or 0) <= now_ms() + 10_000

    @pytest.mark.once
    def test_the_same_key_again_and_again_is_counted_as_it_is_listed(self, script: Script) -> None:
        class Same(Numbers):
            def read(self, bounds: Any, after: Any) -> Any:
                for cursor, _, number in super().read(bounds, after):
                    yield cursor, str(number % 2), number

        raise_for(script, set(range(6)), TryAgain())
        script["items"] = lambda: Same(6)
        run = runs.cancel(drive(start("tests.scripted")))
        assert snapshot(run.pk)["progress"]["failed"] == len(outcomes(run)) == 2

    @pytest.mark.parametrize(
        "said", ["Mon, 01 Jan 2024 00:00:00 +99999999999999999", "Mon, 01 Jan 99999 00:00:00 GMT", "soon", "-5", ""]
    )
    @pytest.mark.once
    def test_a_retry_after_that_means_nothing_is_as_if_it_were_not_there(self, script: Script, said: str) -> None:
        busy = ConnectionError("429")
        busy.headers = {"Retry-After": said}  # type: ignore[attr-defined]
        raise_for(script, {2}, busy)
        run = drive(start("tests.scripted_again"))
        assert (run.state, run.reason_code) == ("running", "")


def die_at(place: Any, name: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that takes the run up and dies as it comes to this function; its lease has run out by then."""

    def die(*given: Any) -> Any:
        raise Dead

    part = claim(run)
    with monkeypatch.context() as patch:
        patch.setattr(place, name, die)
        with pytest.raises(Dead):
            work(part)
    expire(part)
