"""Effects outside the database: on record before they are begun, in doubt where nobody knows, never silently twice."""

import socket
import threading
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core import mail
from django.db import connections
from django.test import override_settings

from example.airports.models import Airport
from example.mailing import mail_settings
from headway import Reject, Skip, Stop, TryAgain, Wait, runner, runs
from headway.errors import AlreadyRetried, InvalidState, NothingToRetry
from headway.models import ItemOutcome, Part, Run
from headway.snapshots import snapshot
from headway.testing import end_waits
from tests.app.driving import after_items, claim, drive, fresh, start, work
from tests.app.outside import codes
from tests.app.sources import Numbers

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]


UNANSWERED = "It may have gone out: no answer came to 'line', or an unexpected one."


class Calls:
    """What went out: each number as often as it did, and under which keys."""

    def __init__(self, script: Script) -> None:
        self.made: Counter[int] = Counter()
        self.keys: dict[int, set[str]] = {}
        self.before: Any = lambda operation, number: None
        self.after: Any = lambda operation, number: None
        self.lock = threading.Lock()
        script["call"] = self

    def __call__(self, operation: Any, number: int) -> None:
        self.before(operation, number)
        with operation.effect("line") as effect, self.lock:
            self.made[number] += 1
            self.keys.setdefault(number, set()).add(effect.key)
        self.after(operation, number)


@pytest.fixture
def calls(script: Script) -> Calls:
    return Calls(script)


class Unfindable(Numbers):
    """Whose items can be read, and not found by their keys."""

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, int]]:
        raise OSError("gone for a while")


def once_each(count: int) -> Counter[int]:
    return Counter(range(count))


def flight(run: Run) -> Any:
    return run.parts.get().flight


def die_in_flight(run: Run, script: Script, numbers: int) -> set[int]:
    """As if the worker were killed while that many of its calls were under way; gives which."""
    under_way = threading.Semaphore(0)
    never, began = threading.Event(), set()

    def hang(operation: Any, number: int) -> None:
        began.add(number)
        under_way.release()
        never.wait(60)
        raise SystemExit  # its worker is long gone

    usual, script["call"] = script["call"], hang
    part = claim(run)
    worker = threading.Thread(target=lambda: lost(part), daemon=True)
    worker.start()
    for _ in range(numbers):
        assert under_way.acquire(timeout=30)
    Part.objects.filter(pk=part.pk).update(token=1, due=1)  # another owner than that one, who has died
    script["call"] = usual
    never.set()
    worker.join(30)
    return began


def lost(part: Part) -> None:
    assert work(part) is runner.Ending.FENCED
    connections.close_all()


class TestCalls:
    def test_each_item_goes_out_once(self, calls: Calls) -> None:
        run = drive(start("tests.scripted_outside"))

        assert (run.state, run.total) == ("succeeded", 12)
        assert calls.made == once_each(12)
        assert len(set.union(*calls.keys.values())) == 12, "each effect has a key of its own"
        assert flight(run) is None

    def test_it_is_on_record_before_it_goes_out(self, calls: Calls) -> None:
        run = start("tests.scripted_outside")
        seen: dict[int, bool] = {}

        def look(operation: Any, number: int) -> None:
            told = {key for key, _, stand, _ in flight(run) if stand == 1}
            seen[number] = str(number) in told

        calls.before = look
        drive(run)
        assert seen == dict.fromkeys(range(12), True)

    def test_no_more_are_under_way_than_its_window(self, calls: Calls) -> None:
        run, most, now = start("tests.scripted_outside"), [0], [0]

        def enter(operation: Any, number: int) -> None:
            with calls.lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            assert len([each for each in flight(run) if each[2] == 1]) <= 4

        def leave(operation: Any, number: int) -> None:
            with calls.lock:
                now[0] -= 1

        calls.before, calls.after = enter, leave
        assert drive(run).state == "succeeded"
        assert most[0] <= 4

    @pytest.mark.once
    def test_verdicts_mean_what_they_always_do(self, calls: Calls) -> None:
        verdicts = {1: Reject("not-wanted", "No."), 2: Skip("done", "It is."), 3: ValueError("wrong")}

        def judge(operation: Any, number: int) -> None:
            if number in verdicts:
                raise verdicts[number]

        calls.before = judge
        run = drive(start("tests.scripted_outside"))
        assert run.state == "partial"
        assert codes(run) == {"1": "not-wanted", "2": "done", "3": "error"}
        assert calls.made == once_each(12) - Counter([1, 2, 3])

    def test_what_each_returns_can_be_kept(self, script: Script) -> None:
        given = {3: {1, 2}}  # no JSON: it has gone out all the same, so it isn't done again
        script["call"] = lambda operation, number: given.get(number, number * 2)
        run = drive(start("tests.scripted_outside_kept"))
        kept = dict(runs.outcomes(run, "succeeded").values_list("key", "value"))
        assert kept == {str(number): number * 2 for number in range(12) if number != 3}
        assert [outcome.key for outcome in runs.outcomes(run)] == ["3"]

    @pytest.mark.once
    def test_a_slow_one_holds_up_no_other(self, calls: Calls) -> None:
        others = threading.Barrier(2)
        done = threading.Event()

        def slow_first(operation: Any, number: int) -> None:
            if number == 0:
                assert done.wait(30)

        def count(operation: Any, number: int) -> None:
            if sum(calls.made.values()) == 11 and 0 not in calls.made:
                done.set()

        calls.before, calls.after = slow_first, count
        assert drive(start("tests.scripted_outside")).state == "succeeded"
        assert others.n_waiting == 0
        assert calls.made == once_each(12)

    def test_a_worker_that_is_asked_to_stop_waits_for_what_is_under_way(self, calls: Calls) -> None:
        run = start("tests.scripted_outside")
        assert work(claim(run), after_items(1)) is runner.Ending.GIVEN_BACK
        assert all(stand == 2 for _, _, stand, _ in flight(run) or [])
        assert drive(run).state == "succeeded"
        assert calls.made == once_each(12)

    def test_a_worker_that_may_have_lost_its_part_begins_no_call(
        self, calls: Calls, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        run = start("tests.scripted_outside")
        with monkeypatch.context() as late:
            late.setattr("headway.runner.calls.LATEST", -1)  # of a lease since it was renewed
            assert work(claim(run), after_items(3)) is runner.Ending.GIVEN_BACK
        assert not calls.made
        assert {stand for _, _, stand, _ in flight(run)} == {0}, "none of them has gone out, and that is on record"

        assert drive(run).state == "succeeded"
        assert calls.made == once_each(12)

    def test_a_pause_and_a_cancel_wait_for_what_is_under_way(self, calls: Calls) -> None:
        run = start("tests.scripted_outside")
        calls.after = lambda operation, number: runs.cancel(run) if number == 2 else None

        ended = drive(run)
        assert ended.state == "cancelled"
        counts = run.parts.get()
        assert counts.succeeded == sum(calls.made.values())
        assert set(calls.made.values()) == {1}

        retry = drive(runs.retry(ended).run)
        assert retry.state == "succeeded"
        assert calls.made == once_each(12)

    @pytest.mark.once
    def test_a_stop_and_a_wait_leave_the_others_settled(self, calls: Calls) -> None:
        verdict: list[Exception] = [Wait(30, "Later.")]

        def judge(operation: Any, number: int) -> None:
            if number == 5 and verdict:
                raise verdict.pop()

        calls.before = judge
        run = start("tests.scripted_outside")
        drive(run)
        assert fresh(run).state == "running"
        assert run.parts.get().waits == "Later."
        end_waits()
        assert drive(run).state == "succeeded"
        assert calls.made == once_each(12)

        verdict.append(Stop("Enough."))
        stopped = drive(start("tests.scripted_outside"))
        assert (stopped.state, stopped.reason_text) == ("failed", "Enough.")


class TestInDoubt:
    def test_what_was_under_way_when_its_worker_died_is_listed_and_not_done_again(
        self, calls: Calls, script: Script
    ) -> None:
        run = start("tests.scripted_outside")
        doubted = die_in_flight(run, script, 4)

        ended = drive(run)
        assert ended.state == "partial"
        assert codes(run) == dict.fromkeys(map(str, sorted(doubted)), "in-doubt")
        assert calls.made == once_each(12) - Counter(doubted)
        assert run.parts.get().failures == {"in-doubt": 4}

    def test_what_was_settled_stays_settled(self, calls: Calls, script: Script) -> None:
        run = start("tests.scripted_outside")
        work(claim(run), after_items(1))
        before = Counter(calls.made)
        assert before
        doubted = die_in_flight(run, script, 4)
        drive(run)
        assert calls.made == once_each(12) - Counter(doubted)

    def test_it_stays_on_record_while_its_items_cannot_be_found(self, calls: Calls, script: Script) -> None:
        run = start("tests.scripted_outside")
        doubted = die_in_flight(run, script, 4)
        before = flight(run)
        script["items"] = lambda: Unfindable(12)
        waits = drive(run)
        assert (waits.state, waits.reason_code, flight(run)) == ("paused", "operation-error", before)

        script["items"] = lambda: Numbers(12)
        runs.resume(run)
        drive(run)
        assert calls.made == once_each(12) - Counter(doubted)

    def test_again_sends_again_under_the_same_key(self, calls: Calls, script: Script) -> None:
        run = start("tests.scripted_outside_again")
        doubted = die_in_flight(run, script, 4)
        assert drive(run).state == "succeeded"
        assert calls.made == once_each(12)
        assert doubted == {0, 1, 2, 3}

    def test_what_kills_its_workers_is_left_out(self, calls: Calls, script: Script) -> None:
        run = start("tests.scripted_outside_again")
        for deaths in range(4):
            die_in_flight(run, script, 4 if deaths < 2 else 1)  # from the third on, one at a time
        ended = drive(run)
        assert ended.state == "partial"
        assert codes(run) == {"0": "worker-died"}
        assert calls.made == once_each(12) - Counter([0])

    def test_settle_is_asked_for_each(self, calls: Calls, script: Script) -> None:
        asked: dict[int, str] = {}

        def settle(operation: Any, number: int) -> bool:
            asked[number] = operation.effect("line").key
            return number % 2 == 0

        script["settle"] = settle
        run = start("tests.scripted_outside_asking")
        doubted = die_in_flight(run, script, 4)
        assert drive(run).state == "succeeded"
        assert set(asked) == doubted
        assert calls.made == once_each(12) - Counter(number for number in doubted if number % 2 == 0)
        assert all(calls.keys[number] == {asked[number]} for number in doubted if number % 2)

    def test_a_run_that_is_cancelled_after_its_worker_died_lists_them(self, calls: Calls, script: Script) -> None:
        run = start("tests.scripted_outside")
        doubted = die_in_flight(run, script, 4)
        ended = runs.cancel(run)
        assert ended.state == "cancelled"
        assert codes(run) == dict.fromkeys(map(str, sorted(doubted)), "in-doubt")

        retry = drive(runs.retry(ended).run)
        assert set(codes(retry).values()) == {"in-doubt"}
        assert calls.made == once_each(12) - Counter(doubted), "a retry doesn't send it unasked"

    def test_an_unexpected_error_inside_an_effect_is_in_doubt(self, script: Script) -> None:
        def call(operation: Any, number: int) -> None:
            with operation.effect("line"):
                if number == 3:
                    raise TimeoutError("no answer")

        script["call"] = call
        run = drive(start("tests.scripted_outside"))
        outcome = ItemOutcome.objects.get(run=run)
        assert (outcome.key, outcome.code, outcome.text) == ("3", "in-doubt", UNANSWERED)
        assert "no answer" in outcome.detail

    def test_what_went_out_in_part_is_in_doubt_unless_its_code_asks(self, script: Script) -> None:
        made: Counter[str] = Counter()
        broken = [True]

        def careless(operation: Any, number: int) -> None:
            for name in ("first", "second"):
                with operation.effect(name):
                    if name == "second" and broken[0] and number == 0:
                        raise ConnectionError
                    made[f"{number} {name}"] += 1

        def careful(operation: Any, number: int) -> None:
            for name in ("first", "second"):
                with operation.effect(name) as effect:
                    if effect.done:
                        continue
                    if name == "second" and broken[0] and number == 0:
                        raise ConnectionError
                    made[f"{number} {name}"] += 1

        script["call"] = careless
        run = drive(start("tests.scripted_outside_again"))
        assert codes(run) == {"0": "in-doubt"}
        assert set(made.values()) == {1}

        made.clear()
        script["call"] = careful
        run = drive(start("tests.scripted_outside_again"))
        assert ItemOutcome.objects.get(run=run).effects == ["first"]
        broken[0] = False
        end_waits()
        assert drive(run).state == "succeeded"
        assert set(made.values()) == {1}
        assert len(made) == 24

    def test_a_call_that_takes_too_long_is_given_up_alone(self, calls: Calls, script: Script) -> None:
        over = threading.Event()
        calls.before = lambda operation, number: over.wait(30) if number == 2 else None
        run = drive(start("tests.scripted_outside_hung"))
        over.set()
        assert run.state == "partial"
        assert codes(run) == {"2": "in-doubt"}
        assert calls.made - Counter([2]) == once_each(12) - Counter([2])


class TestLaterPasses:
    @pytest.mark.once
    def test_items_that_are_tried_again_keep_their_keys(self, calls: Calls, script: Script) -> None:
        wrong = {1, 5}

        def judge(operation: Any, number: int) -> None:
            calls.keys.setdefault(number, set()).add(operation.effect("line").key)
            if number in wrong:
                raise TryAgain("Busy.")

        calls.before = judge
        run = start("tests.scripted_outside_again")
        drive(run)
        assert calls.made == once_each(12) - Counter(wrong)
        wrong.clear()
        end_waits()
        assert drive(run).state == "succeeded"
        assert calls.made == once_each(12)
        assert all(len(keys) == 1 for keys in calls.keys.values())
        assert not ItemOutcome.objects.filter(run=run).exists()

    @pytest.mark.once
    def test_a_mail_server_that_is_down_leaves_no_mail_in_doubt(self, tmp_path: Path) -> None:
        Airport.objects.bulk_create(
            Airport(icao=f"{number:04}", name=f"{number}", latitude=0, longitude=0, elevation_ft=0)
            for number in range(60)
        )
        run = start("airports.write_to_airports")
        with socket.socket() as bound:
            bound.bind(("127.0.0.1", 0))  # and nobody listens
            with override_settings(**mail_settings("127.0.0.1", bound.getsockname()[1], tmp_path)):
                assert drive(run).state == "running"
                assert set(codes(run).values()) == {"error"}
        while fresh(run).state == "running":
            end_waits()
            drive(run)
        assert fresh(run).state == "succeeded"
        assert Counter(letter.to[0] for letter in mail.outbox) == {f"{n:04}@airports.example": 1 for n in range(60)}

    def test_a_cancel_in_a_later_pass_counts_what_was_under_way_once(self, calls: Calls, script: Script) -> None:
        def judge(operation: Any, number: int) -> None:
            if number in (1, 5, 7) and operation.attempt == 1:
                raise TryAgain("Busy.")

        calls.before = judge
        run = start("tests.scripted_outside")
        drive(run)
        end_waits()
        doubted = die_in_flight(run, script, 3)
        assert doubted == {1, 5, 7}

        assert runs.cancel(run).state == "cancelled"
        part = run.parts.get()
        assert codes(run) == dict.fromkeys(("1", "5", "7"), "in-doubt")
        assert (part.succeeded, part.failed, part.retrying, part.failures) == (9, 3, 0, {"in-doubt": 3})

    @pytest.mark.once
    def test_a_retry_keeps_the_keys(self, calls: Calls) -> None:
        wrong = {1}

        def judge(operation: Any, number: int) -> None:
            calls.keys.setdefault(number, set()).add(operation.effect("line").key)
            if number in wrong:
                raise Reject("no", "No.")

        calls.before = judge
        run = drive(start("tests.scripted_outside"))
        wrong.clear()
        assert drive(runs.retry(run).run).state == "succeeded"
        assert len(calls.keys[1]) == 1


class TestSettling:
    def test_what_went_out_is_left_alone_and_what_did_not_is_done_by_a_retry(
        self, calls: Calls, script: Script
    ) -> None:
        run = start("tests.scripted_outside")
        die_in_flight(run, script, 4)
        ended = drive(run)

        assert runs.settle(ended, went_out=True, keys=["0", "2", "7"]) == 2
        assert runs.settle(ended, went_out=False) == 2
        assert codes(run) == {"0": "went-out", "1": "not-sent", "2": "went-out", "3": "not-sent"}
        assert run.parts.get().failures == {"not-sent": 2, "went-out": 2}
        assert runs.settle(ended, went_out=False) == 0

        retry = drive(runs.retry(ended).run)
        assert (retry.state, retry.total) == ("succeeded", 2)
        assert calls.made == once_each(12) - Counter([0, 2])
        with pytest.raises(AlreadyRetried):
            runs.settle(ended, went_out=True)

    @pytest.mark.once
    def test_a_run_of_which_only_what_went_out_failed_has_nothing_to_retry(self, calls: Calls, script: Script) -> None:
        run = start("tests.scripted_outside")
        die_in_flight(run, script, 4)
        ended = drive(run)
        assert "retry" in snapshot(run.pk)["actions"], "what is in doubt is listed again"

        assert runs.settle(ended, went_out=True) == 4
        assert "retry" not in snapshot(run.pk)["actions"]
        with pytest.raises(NothingToRetry):
            runs.retry(ended)

    def test_a_run_that_works_is_not_settled(self, calls: Calls, script: Script) -> None:
        run = start("tests.scripted_outside")
        die_in_flight(run, script, 4)
        with pytest.raises(InvalidState):
            runs.settle(run, went_out=True)

    def test_a_resume_after_too_many_failures_leaves_what_is_in_doubt_and_the_reason_says_so(
        self, script: Script
    ) -> None:
        made: Counter[int] = Counter()
        broken = [True]

        def call(operation: Any, number: int) -> None:
            with operation.effect("line"):
                if broken[0]:
                    raise ConnectionRefusedError("nobody there")
                made[number] += 1

        script["call"], script["items"] = call, lambda: Numbers(100)
        run = drive(start("tests.scripted_outside"))
        assert (run.state, run.reason_code) == ("paused", "failure-limit")
        assert run.reason_text == (
            "The first 50 items all failed with ConnectionRefusedError. Mend the cause, say of those in doubt whether "
            "they went out, then resume: what failed and did not go out is tried again."
        )
        assert run.parts.get().failures == {"in-doubt": 50}
        assert runs.settle(run, went_out=False, keys=[str(number) for number in range(49)]) == 49

        broken[0] = False
        runs.resume(run)
        assert drive(run).state == "partial"
        assert codes(run) == {"49": "in-doubt"}
        assert made == once_each(100) - Counter([49])
