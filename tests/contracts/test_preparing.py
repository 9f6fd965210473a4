"""What is prepared outside the transaction: by the loop itself, or on threads. Both keep the same promises."""

import io
import sqlite3
import threading
import time
from collections import Counter
from typing import Any

import pytest
from django.db import OperationalError, connection, connections
from django.utils import translation

from headway import Reject, Skip, Stop, runner, runs, sources
from headway.models import ItemOutcome, Part, Run
from headway.operations.registry import get
from headway.store.parts import leases
from headway.store.parts.candidates import ANYBODYS, Candidates
from tests.app.driving import after_items, claim, drive, expire, fresh, start, work
from tests.app.models import LedgerEntry
from tests.app.sources import Numbers
from tests.once import once
from tests.pace import BareProcess
from tests.workers import until

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]
INLINE, ON_THREADS = "tests.prepare_inline", "tests.prepare_on_threads"
BOTH = pytest.mark.parametrize("operation", [INLINE, ON_THREADS])


def ledger() -> list[str]:
    return list(LedgerEntry.objects.order_by("id").values_list("item", flat=True))


def squares(*left_out: int, items: int = 12) -> list[str]:
    return [f"{number}: {number * number}" for number in range(items) if number not in left_out]


def of_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name.startswith("headway-prepare-")]


@BOTH
@pytest.mark.once
def test_what_was_prepared_is_handed_to_process_in_the_order_of_the_items(operation: str) -> None:
    run = drive(start(operation))
    assert (run.state, ledger()) == ("succeeded", squares())


@BOTH
def test_it_is_prepared_before_the_transaction_by_as_many_as_were_asked_for(operation: str, script: Script) -> None:
    seen = set()
    all_here = threading.Barrier(get(operation).threads)

    def prepare(operation: Any, number: int) -> int:
        seen.add((threading.current_thread().name.rsplit("-", 1)[-1], connection.in_atomic_block))
        all_here.wait(10)  # so none of them is left out
        return number * number

    script["prepare"] = prepare
    drive(start(operation))

    assert ledger() == squares()
    threads = {"MainThread"} if operation == INLINE else {"0", "1", "2", "3"}
    assert seen == {(name, False) for name in threads}


@BOTH
def test_a_replay_prepares_again_what_process_has_had_and_nothing_else(operation: str, script: Script) -> None:
    prepared: list[int] = []

    def prepare(operation: Any, number: int) -> int:
        prepared.append(number)
        return number * number

    def fail(operation: Any, number: int) -> None:
        if number == 5:
            raise RuntimeError("after it has written")

    script |= {"prepare": prepare, "after": fail}
    run = drive(start(operation))

    assert run.state == "partial"
    assert ledger() == squares(5)
    assert set(prepared) == set(range(12))
    assert {number for number, times in Counter(prepared).items() if times > 1} <= set(range(6))


@BOTH
@pytest.mark.parametrize(
    ("error", "state", "code"),
    [
        (ValueError("odd"), "failed", "error"),
        *once((Reject("refused", "No."), "failed", "refused"), (Skip("unneeded", "No."), "skipped", "unneeded")),
    ],
)
def test_what_it_raises_is_the_verdict_on_its_item(
    operation: str, error: Exception, state: str, code: str, script: Script
) -> None:
    def prepare(operation: Any, number: int) -> int:
        if number == 5:
            raise error
        return number * number

    script["prepare"] = prepare
    drive(start(operation))

    outcome = ItemOutcome.objects.get()
    assert (outcome.key, outcome.state, outcome.code, outcome.label) == ("5", state, code, "5")
    assert ledger() == squares(5)


@BOTH
@pytest.mark.once
def test_an_error_of_its_own_costs_no_replay_because_there_is_nothing_to_undo(operation: str, script: Script) -> None:
    done: Counter[int] = Counter()

    def prepare(operation: Any, number: int) -> int:
        if number % 2:
            raise ConnectionError("the other side is down")
        return number * number

    script |= {"prepare": prepare, "before": lambda operation, number: done.update([number])}
    drive(start(operation))

    assert done == Counter(range(0, 12, 2))
    assert "ConnectionError: the other side is down" in ItemOutcome.objects.all()[0].detail
    assert "test_preparing.py" in ItemOutcome.objects.all()[0].detail


@BOTH
@pytest.mark.once
def test_a_stop_ends_the_run_only_when_its_item_has_its_turn(operation: str, script: Script) -> None:
    def prepare(operation: Any, number: int) -> int:
        if number == 5:
            raise Stop("Enough.")
        return number * number

    script["prepare"] = prepare
    run = drive(start(operation))

    assert (run.state, run.reason_text) == ("failed", "Enough.")
    assert ledger() == squares(*range(5, 12))


@BOTH
def test_a_fault_of_the_database_while_preparing_judges_no_item_and_is_prepared_again(
    operation: str, script: Script
) -> None:
    failing = [5, 5]

    def prepare(operation: Any, number: int) -> int:
        if number in failing:
            failing.remove(number)
            error: Any = OperationalError("database is locked")
            error.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise error
        return number * number

    script["prepare"] = prepare
    run = drive(start(operation))

    assert (run.state, failing) == ("succeeded", [])
    assert ledger() == squares()


@BOTH
@pytest.mark.once
def test_an_item_that_can_not_be_read_is_not_prepared(operation: str, script: Script) -> None:
    rows = []
    script["items"] = lambda: sources.csv(io.BytesIO(b"a\n1\n2,3\n4\n"))
    script["prepare"] = lambda operation, row: rows.append(row["a"])
    drive(start(operation))
    assert sorted(rows) == ["1", "4"]
    assert ItemOutcome.objects.get().code == "too-many-fields"
    assert ItemOutcome.objects.get().label == "line 3"


@BOTH
def test_a_careful_owner_prepares_one_item_by_itself_once_it_is_on_record(operation: str, script: Script) -> None:
    run = start(operation)
    work(claim(run), should_stop=after_items())
    expire(claim(run, "dead"))
    expire(claim(run, "dead as well"))
    done = len(ledger())
    careful, noted = [], []

    def prepare(operation: Any, number: int) -> int:
        part = Part.objects.get()
        careful.append(part.careful)
        noted.append(
            (number, part.deaths, part.cursor or 0, threading.current_thread().name, connection.in_atomic_block)
        )
        return number * number

    script["prepare"] = prepare
    assert drive(run).state == "succeeded"
    held = careful[0]  # as many as a chunk may have held: few where the machine was slow
    assert held > 1
    assert noted[:held] == [(number, 1, number, "MainThread", False) for number in range(done, 12)][:held]
    assert ledger() == squares()


@BOTH
@pytest.mark.once
def test_no_more_is_prepared_ahead_than_two_for_each_thread_or_twice_the_last_chunk(
    operation: str, script: Script
) -> None:
    prepared: list[int] = []
    ahead: list[int] = []

    def prepare(operation: Any, number: int) -> int:
        prepared.append(number)
        return number

    script |= {
        "items": lambda: Numbers(1_000),
        "prepare": prepare,
        "before": lambda operation, number: ahead.append(max(prepared) - number),
    }
    drive(start(operation))

    assert sorted(prepared) == list(range(1_000))
    # A busy machine cuts a chunk short; but none has had more items than were done by then.
    assert all(distance < max(8, 2 * number) for number, distance in enumerate(ahead))


@pytest.mark.parametrize("operation", ["tests.prepare_quickly_on_threads", *once("tests.prepare_quickly")])
def test_what_takes_too_long_to_prepare_is_hung(operation: str, script: Script) -> None:
    pulse = runner.Pulse()
    release = threading.Event()

    def prepare(operation: Any, number: int) -> int:
        if number == 3:
            release.wait(30)
        return number * number

    script["prepare"] = prepare
    part = claim(start(operation))
    watching = threading.Thread(target=lambda: (until(lambda: pulse.is_hung), release.set()))
    watching.start()
    assert runner.work(part, lambda: False, pulse) is runner.Ending.DONE
    watching.join()

    assert release.is_set()
    assert not pulse.is_hung
    assert ledger() == squares()


def blocked(script: Script, meanwhile: Any) -> threading.Event:
    """Let item 0 do something and then take for ever, or until the event that this gives."""
    release = threading.Event()

    def prepare(operation: Any, number: int) -> int:
        if number == 0:
            meanwhile(operation)
            release.wait(30)
        return number * number

    script["prepare"] = prepare
    return release


@pytest.mark.parametrize(("wish", "then"), [(runs.pause, "paused"), (runs.cancel, "cancelled")])
def test_a_wish_is_seen_within_a_second_while_the_next_item_is_still_being_prepared(
    wish: Any, then: str, script: Script
) -> None:
    asked = []

    def ask(operation: Any) -> None:
        asked.append(time.monotonic())
        wish(Run.objects.get(pk=operation.run.id))

    release = blocked(script, ask)
    run = start(ON_THREADS)
    with BareProcess() as bare:
        work(claim(run))
        took = time.monotonic() - asked[0]
    release.set()

    assert fresh(run).state == then
    assert bare.undisturbed(took) < 1
    assert ledger() == []


def test_a_worker_that_is_to_stop_does_not_wait_for_what_is_being_prepared(script: Script) -> None:
    stop = threading.Event()
    release = blocked(script, lambda operation: stop.set())
    run = start(ON_THREADS)
    with BareProcess() as bare:
        began = time.monotonic()
        ending = work(claim(run), should_stop=stop.is_set)
        took = time.monotonic() - began
    release.set()

    assert ending is runner.Ending.GIVEN_BACK
    assert bare.undisturbed(took) < 1
    assert drive(run).state == "succeeded"
    assert ledger() == squares()


@pytest.mark.once
def test_a_slice_is_not_over_before_its_first_item_is_prepared_however_many_wait(
    script: Script, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.HEADWAY = {"BUSY_SLICE_SECONDS": 0.01, "SLICE_SECONDS": 0.02}
    looks: list[int | None] = []
    real = leases.look

    def look(part: Part, rivals: Candidates) -> leases.Look:
        seen = real(part, rivals)
        looks.append(seen.least_served_ms)
        if len(looks) == 2:
            release.set()
        return seen

    release = blocked(script, lambda operation: None)
    run = start(ON_THREADS)
    part = claim(run)
    start(INLINE)  # it waits
    monkeypatch.setattr(leases, "look", look)
    work(part, rivals=ANYBODYS)

    assert looks[:2] == [0, 0]
    assert ledger()[:1] == ["0: 0"]


def test_the_threads_and_their_connections_end_with_the_slice(script: Script) -> None:
    used: list[Any] = []

    def prepare(operation: Any, number: int) -> int:
        assert LedgerEntry.objects.count() >= 0
        used.append(connections["default"])
        return number * number

    script["prepare"] = prepare
    drive(start(ON_THREADS))
    until(lambda: not of_threads())
    assert len({id(each) for each in used}) > 1
    assert all(each.connection is None for each in used)
    assert connection.connection is not None


@pytest.mark.once
def test_the_language_of_the_run_holds_on_its_threads(script: Script) -> None:
    heard = set()
    script["prepare"] = lambda operation, number: heard.add(translation.get_language())
    with translation.override("fr"):
        run = start(ON_THREADS)
    drive(run)
    assert heard == {"fr"}


@pytest.mark.once
def test_an_operation_without_prepare_has_no_threads() -> None:
    run = start()
    work(claim(run), should_stop=lambda: bool(of_threads()))
    assert fresh(run).state == "succeeded"
