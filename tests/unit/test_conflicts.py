"""What a start gets while another run has its concurrency key: each policy, from the first request to the last run."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import F

from headway import Operation, runs
from headway.errors import InvalidState, NothingToRetry, RunConflict
from headway.models import Part, Run
from headway.runs import Disposition, Started
from headway.snapshots import snapshot
from headway.store.parts import leases
from headway.store.starts.requests import hash_key
from headway.store.upkeep import tidying
from tests.app.conflicts import InLine, Newest, SideBySide
from tests.app.driving import claim, drive, expire, fresh, work

from .conftest import Grant

pytestmark = pytest.mark.django_db(transaction=True)


def start(operation: type[Operation], count: int = 1, user: Any = None) -> Started:
    return runs.start(operation, {"count": count}, user=user)


def state(started: Started) -> str:
    return fresh(started.run).state


class TestQueue:
    def test_the_first_run_is_live_at_once(self) -> None:
        first = start(InLine)
        assert (first.disposition, state(first)) == (Disposition.CREATED, "queued")

    def test_a_second_run_waits_and_begins_when_the_first_has_ended(self) -> None:
        first, second = start(InLine, 1), start(InLine, 2)
        assert (second.disposition, state(second)) == (Disposition.QUEUED, "waiting")

        work(claim(first.run))

        assert (state(first), state(second)) == ("succeeded", "queued")
        assert state(Started(drive(second.run), Disposition.QUEUED)) == "succeeded"

    def test_the_same_parameters_as_the_live_run_are_another_run(self) -> None:
        first, second = start(InLine, 1), start(InLine, 1)
        assert second.disposition == Disposition.QUEUED
        assert second.run.pk != first.run.pk

    def test_a_run_that_waits_is_joined_by_an_identical_request(self) -> None:
        start(InLine, 1)
        second, third = start(InLine, 2), start(InLine, 2)
        assert (third.disposition, third.run.pk) == (Disposition.JOINED, second.run.pk)

    def test_they_begin_in_the_order_in_which_they_came(self) -> None:
        line = [start(InLine, count) for count in (1, 2, 3)]
        seen = []
        for each in line:
            seen.append([state(one) for one in line])
            work(claim(each.run))
        assert seen == [
            ["queued", "waiting", "waiting"],
            ["succeeded", "queued", "waiting"],
            ["succeeded", "succeeded", "queued"],
        ]

    def test_nobody_can_claim_a_run_that_waits(self) -> None:
        first, second = start(InLine, 1), start(InLine, 2)
        part = claim(first.run)
        assert leases.claim("another", pick=1) is None
        assert leases.claim("another", pick=2) is None
        work(part)
        assert state(second) == "queued"

    def test_a_waiting_run_is_shown_as_queued_and_says_what_it_waits_for(self) -> None:
        start(InLine, 1)
        seen = snapshot(start(InLine, 2).run.pk)
        assert (seen["state"], seen["done"], seen["actions"]) == ("queued", False, ["cancel"])
        assert seen["reason"]["code"] == "behind-run"

    def test_a_waiting_run_that_is_cancelled_ends_at_once_and_never_begins(self) -> None:
        first, second, third = start(InLine, 1), start(InLine, 2), start(InLine, 3)
        runs.cancel(second.run)
        assert state(second) == "cancelled"
        work(claim(first.run))
        assert [state(first), state(second), state(third)] == ["succeeded", "cancelled", "queued"]

    def test_a_waiting_run_cannot_be_paused(self) -> None:
        start(InLine, 1)
        second = start(InLine, 2)
        with pytest.raises(InvalidState):
            runs.pause(second.run)
        assert state(second) == "waiting"

    def test_the_next_begins_when_the_live_one_is_cancelled(self) -> None:
        first, second = start(InLine, 1), start(InLine, 2)
        runs.cancel(first.run)
        assert (state(first), state(second)) == ("cancelled", "queued")

    def test_nothing_begins_while_the_live_one_still_has_an_owner(self) -> None:
        first, second = start(InLine, 1), start(InLine, 2)
        part = claim(first.run)
        runs.cancel(first.run)
        assert (state(first), state(second)) == ("cancelling", "waiting")
        work(part)
        assert (state(first), state(second)) == ("cancelled", "queued")

    def test_a_cancelled_one_that_waited_can_be_retried(self) -> None:
        first, second = start(InLine, 1), start(InLine, 2)
        runs.cancel(second.run)
        with pytest.raises(RunConflict):
            runs.retry(second.run)
        drive(first.run)
        assert drive(runs.retry(second.run).run).state == "succeeded"

    def test_a_run_that_waits_for_nobody_is_promoted_by_a_worker(self) -> None:
        first, second = start(InLine, 1), start(InLine, 2)
        Part.objects.filter(run=first.run).delete()
        Run.objects.filter(pk=first.run.pk).delete()  # by hand: no transaction of ours ended it
        tidying.tidy()
        assert drive(second.run).state == "succeeded"

    def test_somebody_elses_waiting_run_is_not_joined(self, person: Grant) -> None:
        ann, ben = person("ann"), person("ben")
        start(InLine, 1, ann)
        start(InLine, 2, ann)
        with pytest.raises(RunConflict) as raised:
            start(InLine, 2, ben)
        assert raised.value.existing is None


class TestReplace:
    def test_a_run_that_nobody_works_on_ends_at_once_and_the_new_one_is_live(self) -> None:
        first, second = start(Newest, 1), start(Newest, 2)
        assert second.disposition == Disposition.CREATED
        assert (state(first), state(second)) == ("cancelled", "queued")
        assert fresh(first.run).reason_code == "replaced"

    def test_the_new_one_begins_only_when_the_old_one_has_really_stopped(self) -> None:
        first = start(Newest, 1)
        part = claim(first.run)
        second = start(Newest, 2)
        assert second.disposition == Disposition.QUEUED
        assert (state(first), state(second)) == ("cancelling", "waiting")
        work(part)
        assert (state(first), state(second)) == ("cancelled", "queued")

    def test_it_begins_too_when_the_old_owner_died(self) -> None:
        first = start(Newest, 1)
        part = claim(first.run)
        second = start(Newest, 2)
        expire(part)
        work(claim(first.run))
        assert (state(first), state(second)) == ("cancelled", "queued")

    def test_one_that_waits_is_replaced_as_well(self) -> None:
        first = start(Newest, 1)
        claim(first.run)
        second, third = start(Newest, 2), start(Newest, 3)
        assert [state(first), state(second), state(third)] == ["cancelling", "cancelled", "waiting"]

    def test_unless_it_is_identical(self) -> None:
        first = start(Newest, 1)
        claim(first.run)
        second, third = start(Newest, 2), start(Newest, 2)
        assert (third.disposition, third.run.pk) == (Disposition.JOINED, second.run.pk)
        assert [state(first), state(second)] == ["cancelling", "waiting"]

    def test_a_run_that_is_not_yours_to_cancel_stays(self, person: Grant) -> None:
        first = start(Newest, 1, person("ann"))
        with pytest.raises(RunConflict) as raised:
            start(Newest, 2, person("ben"))
        assert raised.value.existing is None
        assert state(first) == "queued"
        assert Run.objects.count() == 1

    def test_nor_is_it_named_to_be_cancelled_by_one_who_may_only_see_it(self, person: Grant) -> None:
        first = start(Newest, 1, person("ann"))
        with pytest.raises(RunConflict) as raised:
            start(Newest, 2, person("ben", "view_run"))
        assert raised.value.existing == first.run.pk
        assert state(first) == "queued"


class TestAllow:
    def test_each_start_is_a_run_of_its_own(self) -> None:
        first, second = start(SideBySide, 1), start(SideBySide, 1)
        assert (first.disposition, second.disposition) == (Disposition.CREATED, Disposition.CREATED)
        assert (state(first), state(second)) == ("queued", "queued")

    def test_each_can_be_retried(self) -> None:
        first, second = start(SideBySide, 1), start(SideBySide, 1)
        runs.cancel(first.run)
        assert runs.retry(first.run).disposition == Disposition.CREATED
        with pytest.raises((InvalidState, NothingToRetry)):
            runs.retry(second.run)


class TestTheTableItself:
    """The constraints say what the code believes."""

    @pytest.mark.parametrize(
        "columns",
        [
            {"state": "waiting"},
            {"state": "queued", "waiting_key": "x"},
            {"live_key": None},
            {"state": "succeeded"},
        ],
    )
    def test_a_run_waits_or_holds_the_key_or_has_ended(self, columns: dict[str, Any]) -> None:
        run = start(InLine).run
        with pytest.raises(IntegrityError), transaction.atomic():
            Run.objects.filter(pk=run.pk).update(revision=F("revision") + 1, **columns)

    def test_a_key_says_nothing_of_what_is_in_it(self) -> None:
        assert start(InLine).run.concurrency_key == hash_key("tests.in_line", "everybody")
