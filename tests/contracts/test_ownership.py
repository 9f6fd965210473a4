"""Who owns a part, and what those who don't own it any more can still do: nothing."""

import threading
from typing import Any

import pytest
from django.db import InterfaceError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from headway import runner, runs
from headway.database import NowMs
from headway.models import ItemOutcome, Part, Run
from headway.snapshots import snapshot
from headway.states import Counts, Want
from headway.store.parts import checkpoints, leases, planning
from headway.store.parts.checkpoints import Checkpoint
from headway.store.parts.leases import MOST_CAREFUL, Fenced
from headway.store.runs import control, endings
from headway.store.runs.control import Reason
from tests.app.driving import after_items, claim, drive, expire, fresh, start, work
from tests.app.models import LedgerEntry
from tests.once import once

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]


def checkpoint(part: Part, cursor: int) -> None:
    """A worker's checkpoint at this cursor."""
    step = Checkpoint(cursor, Counts(succeeded=cursor), worked_ms=1, suspected=0, careful=0, pace=[], message="")
    with transaction.atomic():
        LedgerEntry.objects.create(run=part.run_id, item=str(cursor))
        checkpoints.write_checkpoint(part, step, renew=False)
    part.seq += 1


def planned(run: Run, worker: str = "first") -> Part:
    """The run's part, planned and owned, with nothing done."""
    work(claim(run), should_stop=after_items())  # plans, does one item, gives back
    return claim(run, worker)


def test_a_part_has_one_owner_at_a_time() -> None:
    run = start()
    assert leases.claim("first", 1) is not None
    assert leases.claim("second", 1) is None
    assert fresh(run).state == "running"


def test_a_run_that_is_cancelled_while_it_is_planned_keeps_its_planning_part() -> None:
    run = start()
    part = claim(run)
    runs.cancel(run)

    assert planning.plan(part, lambda: [planning.Range({"n": 9})] * 2) is False

    for kept in (part, run.parts.get()):
        assert (kept.kind, kept.seq, kept.bounds) == ("plan", 0, None)
    assert fresh(run).state == "cancelling"


def test_a_stale_worker_cannot_commit_after_its_lease_was_taken() -> None:
    run = start()
    stale = planned(run)
    expire(stale)
    claim(run, "second")

    with pytest.raises(Fenced):
        checkpoint(stale, 7)

    assert LedgerEntry.objects.filter(item="7").count() == 0


def test_a_worker_whose_lease_ran_out_but_was_not_taken_goes_on() -> None:
    run = start()
    part = planned(run)
    expire(part)
    checkpoint(part, 7)
    assert fresh(run).parts.get().cursor == 7


def test_a_rewound_database_does_not_let_an_old_owner_skip_items() -> None:
    # Hole 1: after a failover the row is as it was some checkpoints ago, while the worker's memory is ahead.
    run = start()
    part = planned(run)
    before = Part.objects.filter(pk=part.pk).values("cursor", "seq", "succeeded").get()
    checkpoint(part, 5)
    Part.objects.filter(pk=part.pk).update(**before)

    with pytest.raises(Fenced):
        checkpoint(part, 8)


def test_a_commit_whose_answer_was_lost_is_not_done_again(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    # Hole 2. The answer is lost for real: COMMIT is carried out, then the driver reports a loss.
    backend = type(connections["default"])
    real: Any = vars(backend).get("_commit") or BaseDatabaseWrapper._commit

    def commit_then_lose(self: Any) -> None:
        real(self)
        if threading.current_thread() is threading.main_thread() and script.pop("lose", False):
            self.connection.close()
            self.connection = None
            raise InterfaceError("the connection was lost")

    script["after"] = lambda operation, number: script.update(lose=number == 4)
    run = start("tests.scripted")
    part = claim(run)
    monkeypatch.setattr(backend, "_commit", commit_then_lose)
    outcome = work(part)
    assert outcome is runner.Ending.LOST
    assert part.cursor != 4, "what COMMIT didn't confirm must not be believed"

    mine = leases.reclaim(part)
    assert mine is not None
    work(mine)

    assert fresh(run).state == "succeeded"
    assert sorted(LedgerEntry.objects.values_list("item", flat=True)) == ["0", "1", "2", "3", "4"]


def test_a_run_paused_between_its_last_checkpoint_and_its_end_goes_on_to_its_end() -> None:
    # Hole 3: nothing but `closed` says that the part must be armed again.
    run = start(items=1)
    work(claim(run), should_stop=after_items())  # its only item is done, its part isn't closed
    runs.pause(run)
    assert fresh(run).state == "paused"

    runs.resume(run)
    assert drive(run).state == "succeeded"
    assert LedgerEntry.objects.count() == 1


def test_a_cancel_before_the_end_is_never_overtaken_by_succeeded() -> None:
    # Hole 7.
    run = start(items=1)
    work(claim(run), should_stop=after_items())
    part = claim(run)
    runs.cancel(run)
    assert fresh(run).state == "cancelling"

    assert endings.close_part(part, has_finish=False).wanted is False
    control.yield_part(part)

    assert fresh(run).state == "cancelled"


def test_the_last_of_several_parts_ends_the_run_and_no_other() -> None:
    # Hole 8.
    run = start(items=4)
    part = planned(run)
    other = Part.objects.create(run=run, kind="items", bounds={"n": 4}, cursor=4, due=NowMs(), changed=NowMs())
    Run.objects.filter(pk=run.pk).update(parts_left=2)

    endings.close_part(part, has_finish=False)
    assert fresh(run).state == "running"
    endings.close_part(claim(run), has_finish=False)

    assert other.pk != part.pk
    assert fresh(run).state == "succeeded"


def test_no_item_is_judged_by_what_a_fenced_replay_meets(script: Script) -> None:
    # Hole 11: the successor has committed the same items, so the frozen worker's replay meets its rows.
    run = start("tests.scripted")
    frozen = planned(run)

    def before(operation: Any, number: int) -> None:
        if operation.script.pop("freeze", False):
            script["thaw"] = True
            raise RuntimeError("it was frozen here")

    expire(frozen)
    successor = claim(run, "second")
    script["before"], script["freeze"] = before, True
    assert work(frozen) is runner.Ending.FENCED

    work(successor)
    assert fresh(run).state == "succeeded"
    assert not ItemOutcome.objects.exists()
    assert LedgerEntry.objects.count() == 5


def test_cursors_are_never_compared_by_the_database() -> None:
    # Hole 15: as JSON, 10 comes before 9.
    run = start(items=12)
    while fresh(run).state != "succeeded":
        work(claim(run), should_stop=after_items())
    assert LedgerEntry.objects.count() == 12


def test_an_owner_who_never_released_is_followed_as_if_nothing_had_been() -> None:
    run = start(items=6)
    part = planned(run)
    expire(part)
    successor = claim(run, "second")

    assert (successor.resumes, successor.careful, successor.tries) == (1, 0, 1)
    work(successor)
    assert fresh(run).state == "succeeded"
    assert snapshot(run.pk)["resumes"] == 1


@pytest.mark.parametrize(
    ("stands", "careful"),
    [
        ({"succeeded": 10, "failed": 70, "skipped": 20, "worked_ms": 10_000}, 17),
        *once(
            ({}, MOST_CAREFUL),  # nobody knows how many a chunk holds
            ({"succeeded": 100, "worked_ms": 10_000}, 17),
            ({"succeeded": 100_000, "worked_ms": 10_000}, MOST_CAREFUL),
            ({"succeeded": 5, "worked_ms": 5_000}, 2),
        ),
    ],
)
def test_after_two_deaths_at_one_place_an_owner_is_careful_over_what_a_chunk_holds(
    stands: dict[str, int], careful: int
) -> None:
    part = planned(run := start(items=6))
    Part.objects.filter(pk=part.pk).update(**{"succeeded": 0, "worked_ms": 0} | stands)
    expire(part)
    expire(claim(run, "second"))
    assert claim(run, "third").careful == careful


@pytest.mark.parametrize(("held", "careful"), [(1, False), (3, True)])
def test_a_second_death_counts_where_a_chunk_of_the_first_owner_can_have_come(held: int, careful: bool) -> None:
    part = planned(run := start(items=6))
    Part.objects.filter(pk=part.pk).update(succeeded=1, worked_ms=1_600 / held + 1)
    expire(part)
    work(claim(run, "second"), should_stop=after_items())
    work(claim(run, "third"), should_stop=after_items())
    expire(claim(run, "fourth"))
    assert (claim(run, "fifth").careful > 0) is careful


def test_where_items_are_slow_each_has_a_chunk_of_its_own_so_the_first_death_is_enough() -> None:
    part = planned(run := start(items=6))
    Part.objects.filter(pk=part.pk).update(succeeded=1, worked_ms=3_000)
    expire(part)
    assert claim(run, "second").careful == 1


def test_a_released_part_is_not_an_interruption() -> None:
    run = start(items=6)
    work(claim(run), should_stop=after_items())
    part = claim(run, "second")
    assert (part.resumes, part.careful, part.tries) == (0, 0, 0)


def test_a_careful_owner_does_one_item_a_transaction_and_notes_each_before(script: Script) -> None:
    noted = []
    script["before"] = lambda operation, number: noted.append(
        (number, Part.objects.get().deaths, Part.objects.get().cursor)
    )
    run = start("tests.scripted")
    part = planned(run)
    noted.clear()
    expire(part)
    expire(claim(run, "second"))

    work(claim(run, "third"))

    assert noted == [(1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 1, 4)]
    assert Part.objects.get(kind="items").deaths == 0


def test_an_item_over_which_its_worker_died_twice_in_care_is_written_down_and_left_out() -> None:
    run = start(items=4)
    part = planned(run)
    Part.objects.filter(pk=part.pk).update(deaths=2, due=1)

    run = drive(run)

    assert run.state == "partial"
    outcome = ItemOutcome.objects.get()
    assert (outcome.key, outcome.code) == ("1", "worker-died")
    assert sorted(LedgerEntry.objects.values_list("item", flat=True)) == ["0", "2", "3"]


def test_a_slow_item_gets_one_death_more() -> None:
    run = start(items=4)
    part = planned(run)
    Part.objects.filter(pk=part.pk).update(deaths=2, worked_ms=5_000, due=1)
    assert drive(run).state == "succeeded"


def test_a_run_whose_workers_die_without_any_item_waits_for_a_person() -> None:
    run = start(items=4)
    part = planned(run)
    Part.objects.filter(pk=part.pk).update(tries=50, due=1)
    run = drive(run)
    assert (run.state, run.reason_code) == ("paused", "worker-died")
    runs.resume(run)
    assert drive(run).state == "succeeded"


def test_what_a_dead_worker_owned_is_due_at_once_and_keeps_its_token() -> None:
    run = start()
    part = planned(run, "dead")
    assert leases.claim("second", 1) is None

    assert leases.give_up_parts_of("dead") == 1
    successor = claim(run, "second")

    assert successor.resumes == 1
    assert successor.token != part.token


def test_an_item_that_ends_the_run_while_another_part_is_owned_waits_for_its_owner() -> None:
    run = start(items=4)
    part = planned(run, "first")
    Part.objects.create(run=run, kind="items", bounds={"n": 4}, cursor=4, due=NowMs(), changed=NowMs())
    Run.objects.filter(pk=run.pk).update(parts_left=2)
    other = claim(run, "second")

    control.halt(part, Want.STOP, Reason("stopped", "Enough."))
    assert fresh(run).state == "running"
    control.yield_part(other)

    assert (fresh(run).state, fresh(run).reason_text) == ("failed", "Enough.")


def test_a_cancel_outranks_a_stop_and_a_stop_outranks_a_pause() -> None:
    run = start(items=4)
    part = planned(run)
    runs.pause(run)
    control.halt(part, Want.STOP, Reason("stopped", "Enough."))
    assert fresh(run).state == "failed"

    run = start(items=5)
    part = planned(run)
    runs.cancel(run)
    control.halt(part, Want.STOP, Reason("stopped", "Enough."))
    assert fresh(run).state == "cancelled"


def test_the_key_is_free_from_the_moment_the_run_has_ended() -> None:
    run = drive(start(items=1))
    again = start(items=1)
    assert again.pk != run.pk
    runs.cancel(again)
    assert start(items=1).pk != again.pk


def test_a_deleted_run_is_simply_gone_for_its_worker() -> None:
    run = start(items=4)
    part = planned(run)
    ItemOutcome.objects.all().delete()
    Run.objects.filter(pk=run.pk).delete()
    assert work(part) is runner.Ending.FENCED


@pytest.mark.once
def test_an_error_that_nobody_foresaw_leaves_the_run_to_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    run = start(items=4)
    monkeypatch.setattr("headway.runner.ending.SHORTEST_CHUNK", "not a number")  # a fault of Headway's own
    work(claim(run))
    assert (fresh(run).state, fresh(run).reason_code) == ("paused", "internal-error")
    monkeypatch.undo()
    runs.resume(run)
    assert drive(run).state == "succeeded"
    assert LedgerEntry.objects.count() == 4
