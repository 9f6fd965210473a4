"""Workers that are killed between a run's end and its delivery, and during it: each end arrives, under one id."""

import os
import random
import signal
import time
from collections import Counter

import pytest

from headway import runs
from headway.models import Run
from tests.app.driving import fresh
from tests.crash.aloud import Tell
from tests.crash.aloud import dice as dice
from tests.crash.aloud import tell as tell
from tests.crash.scene import LEASE, owner_of
from tests.workers import Workers, children_of, until, wait_for_end

from .conftest import Declare
from .receiver import Receiver

pytestmark = pytest.mark.django_db(transaction=True)

RUNS, KILLS = 40, 8


def delivery_of(run: Run) -> Run:
    """The one delivery of its end."""
    return Run.objects.get(operation="headway.deliver_webhook", params__run={"$uuid": str(run.pk)})


def test_an_end_is_told_though_its_worker_dies_as_it_is_committed(
    receiver: Receiver, declare: Declare, workers: Workers
) -> None:
    declare(billing=receiver.at("/200"))
    worker = workers.start(lease_seconds=LEASE)
    (first,) = children_of(worker.pid)
    run = runs.start("tests.die_as_it_ends", {"items": 1}).run
    wait_for_end(run.pk)
    until(lambda: first not in children_of(worker.pid))
    wait_for_end(delivery_of(run).pk)
    assert [got["id"] for got in receiver.got] == [f"run-ended-{run.pk}"]


def test_a_delivery_whose_worker_is_killed_in_it_is_made_again(
    receiver: Receiver, declare: Declare, workers: Workers
) -> None:
    declare(billing=receiver.at("/hold"))
    workers.start(lease_seconds=LEASE)
    run = runs.start("tests.write_ledger", {"items": 1}).run
    until(lambda: receiver.got)
    delivery = delivery_of(run)
    assert fresh(delivery).state == "running"
    owner_of(delivery, workers).kill_child()
    assert wait_for_end(delivery.pk).state == "succeeded"
    assert [got["id"] for got in receiver.got] == [f"run-ended-{run.pk}"] * 2
    assert all("event" in got for got in receiver.got)


def test_each_end_arrives_at_least_once_whoever_is_killed(
    receiver: Receiver, declare: Declare, workers: Workers, dice: random.Random, tell: Tell
) -> None:
    declare(billing=receiver.at("/200"))
    worker = workers.start(processes=2, lease_seconds=LEASE)
    started = {f"run-ended-{runs.start('tests.side_by_side', {'count': 1}).run.pk}" for _ in range(RUNS)}
    for number in range(KILLS):
        until(lambda number=number: len(receiver.got) >= number * RUNS // KILLS)  # type: ignore[misc]
        time.sleep(dice.uniform(0, 0.05))  # anywhere between an end and its delivery
        until(lambda: children_of(worker.pid))  # on a busy machine both may be gone, and not replaced yet
        os.kill(dice.choice(children_of(worker.pid)), signal.SIGKILL)
    until(lambda: not Run.objects.filter(finished_at=None).exists())
    often = Counter(got["id"] for got in receiver.got)
    tell(f"{RUNS} ends, {KILLS} kills: {often.total()} webhooks of {len(often)} ids")
    assert often.keys() == started
    assert set(Run.objects.values_list("state", flat=True)) == {"succeeded"}
    assert Run.objects.count() == 2 * RUNS
