"""A real worker process does what the runner promises."""

import os
import signal

import pytest

from headway import runs
from tests.app.gates import Gate
from tests.app.models import LedgerEntry
from tests.pace import BareProcess
from tests.workers import Workers, children_of, until, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_run_is_worked_to_its_end(workers: Workers) -> None:
    workers.start()
    run = runs.start("tests.write_ledger", {"items": 50, "reject": "3", "skip": "4", "fail": "5"}).run

    ended = wait_for_end(run.pk)

    assert ended.state == "partial"
    assert LedgerEntry.objects.filter(run=run.pk).count() == 47


@pytest.mark.alone
def test_a_killed_child_is_followed_within_a_second(workers: Workers, tmp_path: object) -> None:
    gate = Gate(f"{tmp_path}/gate").build()
    worker = workers.start()
    run = runs.start("tests.write_ledger", {"items": 200, "gate": f"100:{gate_path(gate)}"}).run
    child = gate.wait_until_reached()
    assert children_of(worker.pid) == [child]

    with BareProcess() as bare:
        os.kill(child, signal.SIGKILL)
        took = until(
            lambda: set(children_of(worker.pid)) - {child} and run.parts.get().worker and run.parts.get().resumes == 1
        )
    gate.open(2)
    ended = wait_for_end(run.pk)

    assert bare.undisturbed(took) < 1
    assert ended.state == "succeeded"
    assert LedgerEntry.objects.filter(run=run.pk).count() == 200


def gate_path(gate: Gate) -> str:
    return gate.reached.removesuffix(".reached")
