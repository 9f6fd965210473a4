"""Faults of the database and its surroundings: no item is judged by them, and no run holds its worker for ever."""

import threading
from typing import Any

import pytest
from django.db import OperationalError, connection, connections, transaction
from django.db.models import RestrictedError

from headway import Skip, runner, runs
from headway.models import ItemOutcome, Part, Run
from headway.states import Want
from headway.store.locks import lock_run
from headway.store.parts import checkpoints, leases
from headway.store.runs import control
from headway.store.runs.control import Reason
from tests.app.driving import after_items, claim, drive, fresh, start, work
from tests.app.models import LedgerEntry
from tests.app.sources import Numbers

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]


class Busy(Exception):
    """What a driver raises for a lock that wasn't to be had; both drivers' codes at once."""

    sqlstate = "55P03"
    sqlite_errorcode = 5


def busy() -> None:
    raise OperationalError("lock not available") from Busy()


def ledger() -> list[str]:
    return sorted(LedgerEntry.objects.values_list("item", flat=True))


def test_a_fault_that_passes_judges_no_item(script: Script) -> None:
    def before(operation: Any, number: int) -> None:
        if number == 2 and script.setdefault("faults", 3):
            script["faults"] -= 1
            busy()

    script["before"] = before
    run = drive(start("tests.scripted"))
    assert run.state == "succeeded"
    assert ledger() == ["0", "1", "2", "3", "4"]


def test_a_fault_that_stays_gives_the_worker_back(script: Script) -> None:
    script["before"] = lambda operation, number: busy()
    run = start("tests.scripted")

    assert work(claim(run)) is runner.Ending.GIVEN_BACK

    assert not ItemOutcome.objects.exists()
    assert leases.claim("second", 1) is None, "it must rest before it is due again"
    assert runs.cancel(run).state == "cancelled"


def test_a_stop_is_seen_while_a_fault_repeats(script: Script) -> None:
    attempts = []

    def before(operation: Any, number: int) -> None:
        attempts.append(number)
        busy()

    script["before"] = before
    run = start("tests.scripted")
    asked_before = iter([False])

    assert work(claim(run), lambda: next(asked_before, True)) is runner.Ending.GIVEN_BACK
    assert attempts == [0]


def test_an_item_that_skips_what_is_locked_is_skipped(script: Script) -> None:
    def before(operation: Any, number: int) -> None:
        if number == 1:
            try:
                busy()
            except OperationalError:
                raise Skip("locked", "Somebody works on it.") from None

    script["before"] = before
    run = drive(start("tests.scripted"))
    assert run.state == "succeeded"
    assert ItemOutcome.objects.get().code == "locked"


def test_a_careful_item_that_is_repeated_by_a_living_worker_has_killed_nobody() -> None:
    run = start(items=3)
    work(claim(run), after_items())
    part = claim(run)
    for _ in range(5):
        checkpoints.begin_item(part)
        part.seq += 1
    assert Part.objects.get().deaths == 1

    mine = leases.reclaim(part)

    assert mine is not None
    assert mine.deaths == 0
    work(mine)
    assert fresh(run).state == "succeeded"


def test_a_finish_that_takes_long_is_renewed_and_found_again(script: Script) -> None:
    seen = {}

    def on_finish() -> None:
        part = Part.objects.get(kind="finish")
        Part.objects.filter(pk=part.pk).update(due=1)
        seen["renewed"] = leases.renew(part.run_id, part.token or 0)
        seen["due"] = Part.objects.get(pk=part.pk).due

    script["on_finish"] = on_finish
    run = drive(start("tests.scripted"))
    assert run.state == "succeeded"
    assert seen["renewed"] is True
    assert seen["due"] > 1


def test_a_loss_in_the_finish_gives_the_finish_part_back_to_its_owner(script: Script) -> None:
    def on_finish() -> None:
        if not script.setdefault("lost", False):
            script["lost"] = True
            busy()

    script["on_finish"] = on_finish
    run = start("tests.scripted")
    part = claim(run)
    assert work(part) is runner.Ending.LOST

    mine = leases.reclaim(part)
    assert mine is not None
    assert mine.kind == "finish"
    assert work(mine) is runner.Ending.DONE
    assert fresh(run).state == "succeeded"


def test_a_failing_hook_of_on_finish_does_not_undo_the_end(script: Script) -> None:
    def fail() -> None:
        raise RuntimeError("the mail server is down")

    script["on_finish"] = lambda: transaction.on_commit(fail)
    script["on_start"] = lambda: transaction.on_commit(fail)
    assert drive(start("tests.scripted")).state == "succeeded"


def test_hooks_are_watched_one_by_one(script: Script) -> None:
    pulse = runner.Pulse()
    began = []
    script["after"] = lambda operation, number: transaction.on_commit(lambda: began.append(pulse.began))
    runner.work(claim(start("tests.scripted")), lambda: False, pulse)
    assert len(set(began)) == 5
    assert None not in began


def test_a_worker_that_fails_before_it_begins_leaves_the_run_to_a_person() -> None:
    run = start(items=2)
    control.halt(claim(run), Want.PAUSE, Reason("internal-error", "It failed."))
    assert fresh(run).state == "paused"
    runs.resume(run)
    assert drive(run).state == "succeeded"


def test_a_stop_is_not_overtaken_by_a_pause() -> None:
    run = start(items=4)
    work(claim(run), after_items())
    part = claim(run, "first")
    Part.objects.create(run=run, kind="items", bounds={"n": 4}, cursor=4, due=1, changed=1)
    Run.objects.filter(pk=run.pk).update(parts_left=2)
    other = claim(run, "second")
    control.halt(part, Want.STOP, Reason("stopped", "Enough."))

    runs.pause(run)
    control.yield_part(other)

    assert (fresh(run).state, fresh(run).reason_text) == ("failed", "Enough.")


def test_a_worker_that_was_ended_by_its_supervisor_leaves_no_run_cancelling() -> None:
    run = start(items=4)
    work(claim(run), after_items())
    claim(run, "ended")
    runs.cancel(run)
    leases.give_up_parts_of("ended", released=True)

    assert drive(run).state == "cancelled"


@pytest.mark.once
def test_a_source_that_yields_nothing_for_an_item_is_told_instead_of_losing_the_rest(script: Script) -> None:
    class Holes(Numbers):
        def read(self, bounds: Any, after: Any) -> Any:
            for entry in super().read(bounds, after):
                yield None if entry[2] == 2 else entry

    script["items"] = lambda: Holes(5)
    run = drive(start("tests.scripted"))
    assert (run.state, run.reason_code) == ("paused", "operation-error")


def test_a_retry_keeps_what_it_needs_of_the_runs_before_it() -> None:
    first = drive(start(items=3, fail="1"))
    runs.retry(first)
    with pytest.raises(RestrictedError):
        first.delete()


def test_a_chunk_with_outcomes_and_a_pause_do_not_wait_for_each_other() -> None:
    # Hole 9: at COMMIT, an outcome's foreign key asks for the run, while the chunk holds its part.
    run = start(items=6, fail="1")
    work(claim(run), after_items())
    part = claim(run)
    errors: list[BaseException] = []
    locked, go = threading.Event(), threading.Event()

    def pause() -> None:
        try:
            with transaction.atomic():
                lock_run(run.pk)
                locked.set()
                go.wait(10)
                Part.objects.filter(run=run.pk).update(want="pause")
        except BaseException as error:
            errors.append(error)
        finally:
            connections.close_all()

    if connection.vendor == "postgresql":
        thread = threading.Thread(target=pause)
        with transaction.atomic():
            Part.objects.filter(pk=part.pk).update(seq=part.seq + 1)
            ItemOutcome.objects.create(run=run, part=part, key="1", state="failed", code="x", text="", label="")
            thread.start()
            assert locked.wait(10)
            go.set()
        thread.join()
        assert errors == []
    else:
        # One writer at a time: the pause can't be inside while the chunk is.
        with transaction.atomic():
            Part.objects.filter(pk=part.pk).update(seq=part.seq + 1)
        pause_done = runs.pause(run)
        assert pause_done.state == "pausing"
