"""Embedded workers on other machines: real processes that no datagram reaches."""

import os
import signal
from collections.abc import Callable
from typing import Any

import pytest

from headway.models import Worker
from tests.app.driving import start
from tests.forked import Process
from tests.forked import start as start_process
from tests.workers import Workers, children_of, environment, until, wait_for_end

from .mediums import Medium

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
NEVER = 600.0  # s
Elsewhere = Callable[..., Process]


@pytest.fixture
def elsewhere(workers: Workers, medium: Medium) -> Elsewhere:
    """elsewhere(processes=2): a worker on another machine, once it listens; it doesn't ask unless it is woken."""

    def begin(processes: int = 1, poll: float = NEVER) -> Any:
        command = ["-m", "tests.wakeups.elsewhere", "--processes", str(processes)]
        worker = start_process(command, environment() | {"TEST_WAKE_UPS": medium.wake_ups, "TEST_POLL": str(poll)})
        workers.started.append(worker)
        until(lambda: Worker.objects.filter(host="elsewhere").count() == processes)
        until(lambda: medium.listeners() == 1)
        return worker

    return begin


def test_a_start_reaches_them_and_one_of_a_machine_listens_for_all(elsewhere: Elsewhere, medium: Medium) -> None:
    elsewhere(processes=3)
    for items in (1, 2, 3):
        wait_for_end(start(items=items).pk, 10)
    assert medium.listeners() == 1


def test_the_one_that_listens_is_replaced_when_it_is_killed(elsewhere: Elsewhere, medium: Medium) -> None:
    worker = elsewhere(processes=2)
    listens, _ = children_of(worker.pid)
    os.kill(listens, signal.SIGKILL)
    until(lambda: listens not in children_of(worker.pid) and medium.listeners() == 1)
    wait_for_end(start(items=1).pk, 10)


def test_cut_off_they_find_it_by_asking_and_hear_again_afterwards(elsewhere: Elsewhere, medium: Medium) -> None:
    elsewhere(poll=1.0)
    medium.cut()
    wait_for_end(start(items=1).pk, 10)
    until(lambda: medium.listeners() == 1)


def test_sigterm_ends_them_though_they_listen(elsewhere: Elsewhere) -> None:
    worker = elsewhere(processes=2)
    worker.terminate()
    worker.wait(10)
