"""Items that are tried again, in later passes of their run; runs that wait; runs that stop because too much fails."""

from collections import Counter
from typing import Any

import pytest

from headway import Reject, TryAgain, Wait, runner, runs
from headway.database import now_ms
from headway.models import ItemOutcome, Part, Run
from headway.snapshots import snapshot
from headway.store.parts import leases
from headway.testing import end_waits
from tests.app.driving import after_items, claim, drive, expire, fresh, start, work
from tests.app.models import LedgerEntry, Thing
from tests.app.sources import Numbers

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

    def test_what_retry_does_not_cover_fails_at_once(self, script: Script) -> None:
        raise_for(script, {2}, ValueError("no"))
        run = drive(start("tests.scripted_again"))
        assert (run.state, outcomes(run)) == ("partial", [("2", "failed", "error")])

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
        from headway import sources

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
        for _ in range(8):
            work(claim(run))
            now = snapshot(run.pk)
            assert "seems to be down" in now["reason"]["text"]
            assert now["waiting_until"] is not None
            end_waits()
        assert now["progress"]["failed"] == 0
        assert set(ItemOutcome.objects.filter(run=run).values_list("state", "attempts")) == {("retrying", 0)}
        probes = sum(asked.values()) - 10 - 50
        assert probes <= 7 * 2 + 300 * 0.4, "an outage marches through the items"

        down = False
        assert go_on(run, script).state == "succeeded"
        assert ledger(run) == once_each(300)

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

    def test_a_part_that_was_closed_with_failures_is_opened_again(self, script: Script) -> None:
        raise_for(script, {1, 2, 7}, ValueError("broken"))
        script["items"] = lambda: Numbers(10)
        run = drive(start("tests.scripted_tolerant_in_parts"))
        assert fresh(run).reason_code == "failure-limit"
        runs.resume(run)
        assert (go_on(run, script).state, fresh(run).parts_left) == ("succeeded", 0)
        assert ledger(run) == once_each(10)

    def test_too_large_a_share_fails_the_run_where_that_is_declared(self, script: Script) -> None:
        raise_for(script, set(range(0, 1_000, 5)), ValueError("broken"))
        script["items"] = lambda: Numbers(1_000)
        run = drive(start("tests.scripted_strict"))
        assert (run.state, run.reason_code) == ("failed", "failure-limit")
        assert snapshot(run.pk)["progress"]["processed"] < 1_000

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

    @pytest.mark.parametrize(
        "error_of",
        [
            lambda number: Reject("unwanted", "No."),
            lambda number: (KeyError, ValueError)[number % 2]("no"),
        ],
        ids=["by a rule", "for different reasons"],
    )
    def test_what_fails_otherwise_goes_on(self, script: Script, error_of: Any) -> None:
        def before(operation: Any, number: int) -> None:
            raise error_of(number)

        script |= {"before": before, "items": lambda: Numbers(200)}
        run = drive(start("tests.scripted"))
        assert (run.state, run.reason_code) == ("failed", "every-item-failed")

    def test_one_that_succeeds_releases_it(self, script: Script) -> None:
        raise_for(script, set(range(1, 200)), KeyError("email"))
        script["items"] = lambda: Numbers(200)
        assert drive(start("tests.scripted")).state == "partial"
