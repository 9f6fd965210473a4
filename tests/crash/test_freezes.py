"""Workers that stand still past their lease, and then go on as if nothing had happened."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from headway import runs
from headway.models import Part, Run
from tests.app.gates import Gate
from tests.crash.aloud import Tell
from tests.crash.scene import LEASE, entries, freeze, owner_of, part_of, thaw, until_owned_anew
from tests.pace import BareProcess
from tests.processes import stop_group
from tests.workers import Workers, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)

ITEMS, STANDS_AT = 200, 100  # behind the first chunk, so that the run has come somewhere
LONG_LEASE = 300.0  # s: nobody follows its owner, however long that one stands still
ONCE_EACH = {str(number): 1 for number in range(ITEMS)}


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path / "gate").build()


def start(operation: str, tmp_path: Path) -> Run:
    """A run whose worker comes to the gate at item 100."""
    return runs.start(operation, {"items": ITEMS, "gate": f"{STANDS_AT}:{tmp_path}/gate"}).run


def test_a_worker_that_wakes_up_after_its_lease_changes_nothing_any_more(
    workers: Workers, gate: Gate, tmp_path: Path
) -> None:
    frozen = workers.start(lease_seconds=LEASE)
    run = start("tests.read_through_gate", tmp_path)
    child = gate.wait_until_reached()
    owner = owner_of(run, workers)
    assert owner.child == child
    freeze(frozen.pid)
    successor = workers.start(lease_seconds=LEASE)
    assert gate.wait_until_reached() != child
    gate.open()
    ended = wait_for_end(run.pk)
    before = rows(run)
    successor.send_signal(signal.SIGTERM)
    successor.wait()

    thaw(frozen.pid)
    gate.open()
    # Nobody else is left, so the run below is done by the worker that was frozen, once it is through with the old one.
    assert wait_for_end(runs.start("tests.write_ledger", {"items": 1}).run.pk).state == "succeeded"

    assert frozen.poll() is None
    assert ended.state == "succeeded"
    assert part_of(run).resumes == 1
    assert entries(run.pk) == ONCE_EACH
    assert rows(run) == before


def test_a_worker_that_wakes_up_while_its_successor_works_changes_nothing_any_more(
    workers: Workers, gate: Gate, tmp_path: Path
) -> None:
    frozen = workers.start(lease_seconds=LONG_LEASE)
    run = start("tests.read_through_gate", tmp_path)
    child = gate.wait_until_reached()
    freeze(frozen.pid)
    Part.objects.filter(run=run).update(due=1)  # as if it had stood still for so long
    successor = workers.start(lease_seconds=LONG_LEASE)
    assert gate.wait_until_reached() != child
    freeze(successor.pid)  # for a moment only: so it's the other one that the gate lets on
    before = rows(run)

    thaw(frozen.pid)
    gate.open()
    assert wait_for_end(runs.start("tests.write_ledger", {"items": 1}).run.pk).state == "succeeded"
    after = rows(run)
    done_by_then = entries(run.pk)
    thaw(successor.pid)
    gate.open()
    ended = wait_for_end(run.pk)

    assert after == before
    assert done_by_then == {str(number): 1 for number in range(before[0]["succeeded"])}
    assert ended.state == "succeeded"
    assert part_of(run).resumes == 1
    assert entries(run.pk) == ONCE_EACH


@pytest.mark.alone
@pytest.mark.postgresql
def test_a_worker_frozen_with_its_locks_is_ended_by_the_take_over(
    workers: Workers, gate: Gate, tmp_path: Path, tell: Tell
) -> None:
    frozen = workers.start(lease_seconds=LEASE)
    run = start("tests.update_one_thing", tmp_path)
    child = gate.wait_until_reached()
    token = owner_of(run, workers).token
    stop_group(frozen.pid)
    workers.start(lease_seconds=LEASE)

    with BareProcess() as bare:
        took_over = until_owned_anew(run, token)
        began = time.monotonic()
        successor = gate.wait_until_reached()
        went_on = time.monotonic() - began
    assert successor != child
    gate.open(2)
    ended = wait_for_end(run.pk)
    thaw(frozen.pid)
    assert wait_for_end(runs.start("tests.write_ledger", {"items": 1}).run.pk).state == "succeeded"

    tell(f"frozen with row locks: taken over after {took_over:.2f} s, past the locks {went_on:.2f} s later")
    assert bare.undisturbed(took_over) < LEASE + 1
    assert bare.undisturbed(went_on) < 5, "the successor waited for the locks of the frozen one"
    assert ended.state == "succeeded"
    assert entries(run.pk) == ONCE_EACH


@pytest.mark.alone
def test_a_child_frozen_inside_its_transaction_is_killed_by_its_supervisor_after_a_lease(
    workers: Workers, gate: Gate, tmp_path: Path, tell: Tell
) -> None:
    workers.start(lease_seconds=LEASE)
    run = start("tests.write_ledger", tmp_path)
    child = gate.wait_until_reached()
    token = owner_of(run, workers).token

    with BareProcess() as bare:
        os.kill(child, signal.SIGSTOP)
        took = until_owned_anew(run, token)
    assert gate.wait_until_reached() != child
    gate.open()
    ended = wait_for_end(run.pk)

    tell(f"a frozen child was followed after {took:.2f} s, with a lease of {LEASE:.0f} s")
    assert bare.undisturbed(took) < LEASE + 1
    assert ended.state == "succeeded"
    assert part_of(run).resumes == 1
    assert entries(run.pk) == ONCE_EACH


def rows(run: Run) -> list[Any]:
    """The run's parts as they stand in the database."""
    return list(Part.objects.filter(run=run).order_by("id").values())
