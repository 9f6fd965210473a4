"""Workers that are asked to stop, as every deploy does."""

import signal

import pytest

from headway import runs
from headway.database import now_ms
from tests.crash.aloud import Tell
from tests.crash.scene import entries, owner_of, part_of, processed
from tests.pace import BareProcess
from tests.workers import Workers, until, wait_for_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]


def test_a_worker_that_is_asked_to_stop_hands_over_within_two_seconds(workers: Workers, tell: Tell) -> None:
    worker = workers.start()
    run = runs.start("tests.write_ledger", {"items": 2_000, "work_us": 1_000}).run
    until(lambda: processed(run) > 300)
    owner_of(run, workers)

    with BareProcess() as bare:
        worker.send_signal(signal.SIGTERM)
        took = until(lambda: worker.poll() is not None)

    tell(f"stopped {took:.2f} s after SIGTERM, with items of 1 ms")
    part = part_of(run)
    assert worker.returncode == 0
    assert bare.undisturbed(took) < 2
    assert 300 < part.succeeded < 2_000
    assert (part.token, part.resumes) == (None, 0)
    assert part.due is not None
    assert part.due <= now_ms()
    assert entries(run.pk) == {str(number): 1 for number in range(part.succeeded)}

    workers.start()
    ended = wait_for_end(run.pk)

    assert ended.state == "succeeded"
    assert part_of(run).resumes == 0
    assert entries(run.pk) == {str(number): 1 for number in range(2_000)}
