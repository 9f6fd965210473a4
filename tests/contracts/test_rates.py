"""A rate over all workers: what takes a moment of it, what waits for the next one, and what never counts as work."""

import itertools
import time
from collections import Counter
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from django.db.models import F

from headway import TryAgain, runner, runs, sources
from headway.database import now_ms
from headway.models import ItemOutcome, Part, Run, SharedRate
from headway.runner.allowance import LATE, NEAR
from headway.snapshots import snapshot
from headway.store.parts import rates
from headway.store.parts.candidates import ANYBODYS
from headway.store.upkeep import tidying
from headway.testing import end_waits
from tests.app.driving import claim, drive, fresh, work
from tests.app.models import Thing
from tests.app.paced import KINDS, PACED, begun, most_within
from tests.once import once

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]
EACH_KIND = pytest.mark.parametrize("kind", KINDS)
EACH_KIND_ONCE = pytest.mark.parametrize("kind", ["process", "outside", *once("sets", "prepare", "threads")])
HOUR_MS = 3_600_000


@pytest.fixture
def sink(tmp_path: Path) -> Path:
    path = tmp_path / "sink"
    path.touch()
    return path


def start(kind: str, rate: str, sink: Path, items: int = 3, seconds: float = 0.0) -> Run:
    return runs.start(PACED[kind, rate], {"items": items, "sink": str(sink), "seconds": seconds}).run


def refused(seconds: int | str) -> HTTPError:
    headers = Message()
    headers["Retry-After"] = str(seconds)
    return HTTPError("http://service", 429, "Too Many Requests", headers, None)


def held_for(name: str) -> float:
    """Seconds for which nobody is given a moment."""
    return SharedRate.objects.get(name=name).free_at / 1_000_000 - now_ms() / 1_000


class TestEachWay:
    @EACH_KIND
    def test_never_more_items_begin_than_the_rate_and_a_fifth_of_a_second_allow(self, kind: str, sink: Path) -> None:
        run = drive(start(kind, "50/s", sink, items=40))
        assert run.state == "succeeded"
        assert len(begun(sink)) == 40
        assert most_within(sink, 0.2) <= (0.2 + LATE) * 50 + 1
        assert begun(sink)[-1] - begun(sink)[0] >= 39 / 50 - LATE

    @EACH_KIND_ONCE
    def test_a_worker_does_not_wait_for_what_is_far_but_says_until_when_the_run_waits(
        self, kind: str, sink: Path
    ) -> None:
        run = drive(start(kind, "1/min", sink))
        seen, part = snapshot(run.pk), run.parts.get()
        assert len(begun(sink)) == 1
        assert (seen["state"], seen["stalled"]) == ("running", False)
        assert seen["waiting_until"] is not None
        assert seen["reason"] == {"code": "waiting", "text": "Its rate of 1/min lets the next item begin then."}
        assert 50_000 < part.due - now_ms() <= 59_000
        assert (part.setbacks, part.tries, part.deaths) == (0, 0, 0)

    @EACH_KIND_ONCE
    @pytest.mark.once
    def test_it_goes_on_when_the_moment_has_come(self, kind: str, sink: Path) -> None:
        run = drive(start(kind, "1/min", sink))
        while fresh(run).state == "running":
            end_waits()
            drive(run)
        assert fresh(run).state == "succeeded"
        assert len(begun(sink)) == 3

    @EACH_KIND_ONCE
    @pytest.mark.once
    def test_an_item_that_has_begun_is_waited_for_although_the_next_is_far(self, kind: str, sink: Path) -> None:
        run = drive(start(kind, "1/min", sink, seconds=1.5))
        assert run.parts.get().processed == len(begun(sink)) == 1

    @EACH_KIND_ONCE
    def test_what_is_near_is_waited_for_with_the_part_in_hand_and_counts_as_no_work(
        self, kind: str, sink: Path
    ) -> None:
        run = start(kind, "1/s", sink)
        ending = work(claim(run))
        assert ending is runner.Ending.DONE
        assert begun(sink)[-1] - begun(sink)[0] > 1.8
        assert run.parts.get().worked_ms < 1_000

    @EACH_KIND_ONCE
    def test_a_worker_that_is_to_stop_waits_no_longer_and_gives_its_moment_back(self, kind: str, sink: Path) -> None:
        run = start(kind, "1/s", sink)
        stop_at = time.monotonic() + 1.3  # the first has begun, and the second waits
        ending = work(claim(run), should_stop=lambda: time.monotonic() > stop_at)
        assert time.monotonic() < stop_at + 0.5
        assert ending is runner.Ending.GIVEN_BACK
        assert held_for(PACED[kind, "1/s"].name) < 1.0

    @EACH_KIND_ONCE
    @pytest.mark.parametrize("seconds", [0.5, *once(0.0)])
    def test_the_end_is_found_without_a_wait(self, kind: str, seconds: float, sink: Path, script: Script) -> None:
        Thing.objects.create(name="only")
        script["items"] = lambda: sources.queryset(Thing.objects.all())
        assert drive(start(kind, "1/min", sink, seconds=seconds)).state == "succeeded"


class TestReplays:
    @pytest.mark.once
    @pytest.mark.parametrize("kind", ["prepare", "threads"])
    def test_what_is_prepared_takes_one_moment_and_another_once_process_has_had_it(
        self, kind: str, sink: Path, script: Script
    ) -> None:
        had: list[int] = []

        def fail(operation: Any, number: int) -> None:
            had.append(number)
            if number == 2:
                Thing.objects.create(name="undone")
                raise ValueError("wrong")

        script["process"] = fail
        run = drive(start(kind, "50/s", sink, items=10))
        again = len(had) - 10
        assert (run.state, again > 0) == ("partial", True)
        assert len(begun(sink)) == 10 + again

    def test_what_process_does_again_takes_another_moment(self, sink: Path, script: Script) -> None:
        done: Counter[int] = Counter()

        def fail(operation: Any, number: int) -> None:
            done[number] += 1
            if number % 5 == 4:
                raise ValueError("wrong")

        script["begin"] = fail
        run = drive(start("process", "50/s", sink, items=20))
        assert (run.state, ItemOutcome.objects.filter(run=run).count()) == ("partial", 4)
        assert done.total() > 20, "nothing was done again"
        assert most_within(sink, 0.2) <= (0.2 + LATE) * 50 + 1

    def test_an_item_that_kills_is_left_out_without_a_moment(self, sink: Path) -> None:
        for kind in ("process", "prepare", "threads"):
            rates.reserve(PACED[kind, "1/min"].name, 60_000_000, 1, 0)
            run = drive(start(kind, "1/min", sink, items=1))
            Part.objects.filter(run=run).update(due=1, token=7, deaths=2, careful=1, waits="")
            assert drive(run).state == "failed"
            assert [each.code for each in ItemOutcome.objects.filter(run=run)] == ["worker-died"]
        assert begun(sink) == []


class TestRetryAfter:
    @pytest.mark.parametrize("kind", ["process", *once("threads", "outside")])
    def test_of_an_answer_holds_for_everybody(self, kind: str, sink: Path, script: Script) -> None:
        def begin(operation: Any, number: int) -> None:
            if number == 0:
                raise refused(300)

        script["begin"] = begin
        run = drive(start(kind, "50/s", sink, items=200))
        assert fresh(run).state == "running"
        assert 200 < held_for(PACED[kind, "50/s"].name) <= 300
        assert len(begun(sink)) < 50
        reason = snapshot(run.pk)["reason"]
        assert reason is not None
        assert reason["text"].startswith("Its rate of 50/s is held up, by a Retry-After")

    def test_it_holds_for_other_operations_that_share_the_rate(self, sink: Path, script: Script) -> None:
        def begin(operation: Any, number: int) -> None:
            raise refused(30)

        script["begin"] = begin
        given = {"items": 1, "sink": str(sink)}
        drive(runs.start("tests.paced_together", given).run)
        other = drive(runs.start("tests.paced_together_too", given).run)
        assert (fresh(other).state, len(begun(sink))) == ("running", 1)

    @pytest.mark.once
    def test_it_is_heeded_in_what_an_error_was_raised_from(self, sink: Path, script: Script) -> None:
        def begin(operation: Any, number: int) -> None:
            raise TryAgain("It is busy.") from refused(30)

        script["begin"] = begin
        drive(start("prepare", "50/s", sink, items=1))
        assert held_for("tests.paced_prepare_50_s") > 25

    @pytest.mark.once
    def test_try_again_speaks_of_its_own_item_alone(self, sink: Path, script: Script) -> None:
        def begin(operation: Any, number: int) -> None:
            if number == 0:
                raise TryAgain("Its report isn't there yet.", after=30)

        script["begin"] = begin
        run = drive(start("prepare", "50/s", sink, items=10))
        assert len(begun(sink)) == 10
        assert held_for("tests.paced_prepare_50_s") < 1
        assert fresh(run).parts.get().retrying == 1


class TestReserving:
    def test_moments_are_given_away_one_after_the_other(self) -> None:
        given = [rates.reserve("one", 500_000, 5, 10_000_000) for _ in range(3)]
        assert [later.free_at - sooner.free_at for sooner, later in itertools.pairwise(given)] == [2_500_000, 2_500_000]

    def test_none_is_given_away_that_is_far(self) -> None:
        first, second = (rates.reserve("one", 60_000_000, 1, 2_000_000) for _ in range(2))
        assert (first.moments, second.moments) == (1, 0)
        assert 59_000_000 < second.left_us <= 60_000_000

    def test_moments_that_nobody_used_are_not_saved_up(self) -> None:
        rates.reserve("one", 2_000, 5, 0)
        SharedRate.objects.update(free_at=F("free_at") - 10_000_000)
        assert rates.reserve("one", 2_000, 5, 0).left_us == -rates.SLACK_US

    def test_only_the_last_ones_can_be_given_back(self) -> None:
        first = rates.reserve("one", 500_000, 5, 10_000_000)
        second = rates.reserve("one", 500_000, 5, 10_000_000)
        assert not rates.give_back("one", first.free_at, 1_000_000)
        assert rates.give_back("one", second.free_at, 1_000_000)
        assert SharedRate.objects.get().free_at == second.free_at - 1_000_000

    def test_a_clock_that_is_set_back_holds_no_rate_up(self) -> None:
        rates.reserve("one", 2_000, 5, 0)
        SharedRate.objects.update(free_at=F("free_at") + 1_000 * HOUR_MS, changed=F("changed") + HOUR_MS)
        assert rates.reserve("one", 2_000, 5, 2_000_000).moments == 0

        tidying.tidy()

        assert rates.reserve("one", 2_000, 5, 2_000_000).moments == 5


def test_who_has_only_waited_lets_those_first_who_wait_for_a_worker(
    sink: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("headway.runner.ending.SHORTEST_SLICE", 0.9)  # of which a busy machine too waits for the most
    paced = start("process", "1/s", sink, items=20)
    part = claim(paced)
    runs.start("tests.write_ledger", {"items": 3})
    began = time.monotonic()

    assert work(part, rivals=ANYBODYS) is runner.Ending.GIVEN_BACK

    waited = time.monotonic() - began
    given_back = paced.parts.get()
    assert waited < NEAR + 1
    assert 0 < given_back.due - given_back.changed <= waited * 1_000
