"""Several workers on one run, and several threads of one, when something ends them."""

import os
import random
import signal
import threading
from pathlib import Path

import pytest
from django.db import connection, connections, transaction

from headway import runs
from headway.models import Part, Run
from headway.states import Counts
from headway.store.parts import checkpoints
from headway.store.parts.checkpoints import Checkpoint
from tests.app.driving import after_items, claim, start, work
from tests.app.gates import Gate
from tests.crash.aloud import Tell
from tests.crash.scene import entries, processed
from tests.pace import BareProcess
from tests.workers import Workers, children_of, until, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)

ITEMS, KILLS = 400, 2  # few: after a kill, each item of its part costs two transactions


def test_a_run_in_parts_is_done_exactly_once_whoever_is_killed(
    workers: Workers, dice: random.Random, tell: Tell
) -> None:
    worker = workers.start(processes=3, lease_seconds=2)
    run = runs.start("tests.write_in_parts", {"items": ITEMS, "work_us": 1000, "fail": "100,200,300"}).run
    for number in range(KILLS):
        reached = ITEMS * (number + 1) // (KILLS + 2)
        until(lambda reached=reached: processed(run) >= reached)  # type: ignore[misc]
        owners = set(children_of(worker.pid))
        os.kill(dice.choice(sorted(owners)), signal.SIGKILL)
        until(lambda owners=owners: set(children_of(worker.pid)) - owners)  # type: ignore[misc]
    ended = wait_for_end(run.pk)

    resumes = sum(Part.objects.filter(run=run).values_list("resumes", flat=True))
    tell(f"four parts, three workers, {KILLS} kills: {resumes} take-overs")
    assert (ended.state, ended.total, processed(ended)) == ("partial", ITEMS, ITEMS)
    done = entries(run.pk)
    assert set(done.values()) == {1}
    assert set(map(str, range(ITEMS))) - done.keys() == {"100", "200", "300"}


@pytest.mark.alone
def test_a_worker_that_is_asked_to_stop_leaves_what_its_threads_still_prepare(
    workers: Workers, tmp_path: Path, tell: Tell
) -> None:
    gate = Gate(tmp_path / "gate").build()
    worker = workers.start()
    run = runs.start("tests.prepare_ledger", {"items": 100, "gate": f"42:{tmp_path}/gate"}).run
    gate.wait_until_reached()
    until(lambda: processed(run) == 42)

    with BareProcess() as bare:
        worker.send_signal(signal.SIGTERM)
        took = until(lambda: worker.poll() is not None)
    released = Part.objects.get(run=run)
    workers.start()
    gate.wait_until_reached()
    gate.open()

    tell(f"SIGTERM while an item is being prepared: gone after {took:.2f} s")
    assert bare.undisturbed(took) < 2
    assert (released.token, released.cursor) == (None, 42)
    assert wait_for_end(run.pk).state == "succeeded"
    assert entries(run.pk) == {str(number): 1 for number in range(100)}


def test_a_worker_that_is_killed_while_its_threads_prepare_loses_and_doubles_nothing(
    workers: Workers, tmp_path: Path
) -> None:
    gate = Gate(tmp_path / "gate").build()
    workers.start(lease_seconds=2)
    run = runs.start("tests.prepare_ledger", {"items": 100, "gate": f"42:{tmp_path}/gate"}).run
    os.kill(gate.wait_until_reached(), signal.SIGKILL)
    gate.wait_until_reached()
    gate.open()
    assert wait_for_end(run.pk).state == "succeeded"
    assert entries(run.pk) == {str(number): 1 for number in range(100)}


@pytest.mark.postgresql
def test_a_checkpoint_does_not_wait_for_the_open_transaction_of_another_part() -> None:
    run = start("tests.write_in_parts", items=40)
    work(claim(run), should_stop=after_items())
    one, other = claim(run, "one"), claim(run, "other")
    written, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                checkpoints.write_checkpoint(one, step(one), renew=True)
                written.set()
                done.wait(30)
        finally:
            connections.close_all()

    holding = threading.Thread(target=hold)
    holding.start()
    assert written.wait(10)
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', '1s', false)")
    try:
        with transaction.atomic():
            checkpoints.write_checkpoint(other, step(other), renew=True)  # raises, if it had to wait
    finally:
        done.set()
        holding.join()

    assert set(Part.objects.filter(pk__in=[one.pk, other.pk]).values_list("succeeded", flat=True)) == {9}
    assert Run.objects.get(pk=run.pk).state == "running"


def step(part: Part) -> Checkpoint:
    return Checkpoint(part.cursor, Counts(succeeded=9), worked_ms=1, suspected=0, careful=0, pace=[], message="")
