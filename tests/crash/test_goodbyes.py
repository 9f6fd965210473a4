"""A worker that is asked to stop goes, whatever its items have done to its process."""

import signal

import pytest

from headway import runs
from tests.app.models import LedgerEntry
from tests.pace import BareProcess
from tests.workers import Workers, until, wait_for_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.mark.parametrize("habit", ["ignore the signal", "leave a thread behind"])
def test_a_worker_goes_although_an_item_was_careless_with_its_process(habit: str, workers: Workers) -> None:
    worker = workers.start()
    run = runs.start("tests.careless", {"habit": habit}).run
    assert wait_for_end(run.pk).state == "succeeded"
    assert LedgerEntry.objects.count() == 1

    with BareProcess() as bare:
        worker.send_signal(signal.SIGTERM)
        took = until(lambda: worker.poll() is not None)

    assert bare.undisturbed(took) < 2
    assert worker.returncode == 0
