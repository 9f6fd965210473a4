"""What a broker may do to a run: nothing but cost time."""

import os
import time

import pytest

from headway import runs
from headway.engines.celery import doorbell as bells
from headway.engines.celery import tasks
from headway.models import Part
from servers.valkey import Valkey
from tests.crash.aloud import Tell
from tests.crash.scene import entries, processed
from tests.engines.launchers import CeleryWorkers
from tests.pace import BareProcess
from tests.workers import until, wait_for_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.once]


def test_a_run_goes_on_though_its_broker_is_emptied_and_killed(celery: CeleryWorkers, broker: Valkey) -> None:
    forks, threads = celery.start(4), celery.start(4, pool="threads")  # each has a process or a thread free
    run = runs.start("tests.write_in_parts", {"items": 1_000, "work_us": 4_000}).run
    until(lambda: processed(run) > 20)

    broker.empty()
    until(lambda: processed(run) > 200)
    broker.crash()
    until(lambda: processed(run) > 400)
    broker.start()
    ended = wait_for_end(run.pk)

    assert not forks.has_stopped
    assert not threads.has_stopped
    assert ended.state == "succeeded"
    assert entries(run.pk) == {str(number): 1 for number in range(1_000)}


@pytest.mark.alone
def test_a_start_succeeds_without_a_broker_and_begins_once_it_is_back(
    celery: CeleryWorkers, broker: Valkey, tell: Tell
) -> None:
    celery.start()
    broker.crash()

    with BareProcess() as bare:
        began = time.monotonic()
        run = runs.start("tests.write_ledger", {"items": 5}).run
        took = time.monotonic() - began
    broker.start()
    waited = until(lambda: processed(run) > 0)

    tell(f"started in {took:.2f} s without a broker; begun {waited:.2f} s after it was back")
    assert bare.undisturbed(took) < 2
    assert wait_for_end(run.pk).state == "succeeded"


@pytest.mark.alone
def test_a_broker_that_hangs_holds_up_one_start_for_a_moment_and_the_next_not_at_all(
    celery: CeleryWorkers, broker: Valkey, tell: Tell
) -> None:
    runs.start("tests.write_ledger", {"items": 1})
    broker.command("CLIENT", "PAUSE", "20000", "ALL")

    took, undisturbed = [], []
    for items in (2, 3, 4):
        with BareProcess() as bare:
            began = time.monotonic()
            runs.start("tests.write_ledger", {"items": items})
            took.append(time.monotonic() - began)
        undisturbed.append(bare.undisturbed(took[-1]))
    broker.crash()

    tell("with a broker that hangs, starts took " + ", ".join(f"{seconds:.2f} s" for seconds in took))
    assert took[0] >= 1, "it didn't hang"
    assert undisturbed[0] < 3
    assert max(undisturbed[1:]) < 1


def test_a_message_that_is_delivered_again_and_again_doubles_nothing(celery: CeleryWorkers) -> None:
    celery.start()
    celery.start()
    run = runs.start("tests.take_time", {"seconds": 4, "items": 200}).run

    for items in (1, 50, 100, 150):
        until(lambda items=items: processed(run) >= items)
        bells.publish("headway", 5)
    ended = wait_for_end(run.pk)

    assert ended.state == "succeeded"
    assert entries(run.pk) == {str(number): 1 for number in range(200)}
    assert not Part.objects.filter(resumes__gt=0).exists()


def test_what_is_due_is_rung_for_but_never_twice(celery: CeleryWorkers, broker: Valkey) -> None:
    broker.crash()
    for items in (1, 2, 3):
        runs.start("tests.write_ledger", {"items": items})
    runs.start("tests.slow_lane", {"items": 4})
    broker.start()
    bells.publisher.reset()
    assert bells.waiting("headway") == 0

    tasks.reap()
    tasks.reap()

    assert bells.waiting("headway") == 3
    assert bells.waiting("tests.slow") == 1


def test_a_forked_process_rings_over_a_connection_of_its_own(celery: CeleryWorkers) -> None:
    bells.publish("headway")
    parents = bells.publisher.producer

    pid = os.fork()
    if not pid:
        os._exit(0 if bells.publisher.producer is None and parents is not None else 1)

    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    bells.publish("headway")
    assert bells.waiting("headway") == 2
