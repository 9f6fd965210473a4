"""What nobody has heard is rung for again, and never more often than helps."""

import signal
from typing import Any

import pytest
from django_tasks_db.models import DBTaskResult

from headway import runs
from headway.engines import queues
from headway.engines.django_tasks import flavour
from headway.engines.queues import reap
from headway.models import Part
from tests.shell.manage import manage
from tests.tasks.workers import Processes
from tests.workers import environment, until, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)


def tasks_of(queue: str = "default") -> int:
    return DBTaskResult.objects.filter(queue_name=queue, status="READY").count()


def look() -> int:
    return reap(queues.every())


def lose_rings() -> None:
    DBTaskResult.objects.all().delete()


@pytest.mark.slow
def test_a_lost_ring_is_rung_again(processes: Processes) -> None:
    run = runs.start("tests.write_ledger", {"items": 3}).run
    lose_rings()
    processes.reaper()
    processes.db_worker()
    assert wait_for_end(run.pk).state == "succeeded"


def test_while_nobody_works_one_ring_waits_however_often_one_looks() -> None:
    for items in (1, 2, 3):
        runs.start("tests.write_ledger", {"items": items})
    lose_rings()
    assert [look() for _ in range(4)] == [3, 0, 0, 0]
    assert tasks_of() == 3


def test_what_is_not_due_is_not_rung_for() -> None:
    runs.start("tests.write_ledger", {"items": 1})
    lose_rings()
    Part.objects.update(due=2**52)
    assert look() == 0
    assert tasks_of() == 0


@pytest.mark.once
def test_an_operation_is_rung_in_its_own_queue_where_the_backend_has_it(settings: Any) -> None:
    runs.start("tests.slow_lane")
    assert (tasks_of("tests.slow"), tasks_of("default")) == (1, 0)
    assert flavour.claimed_from("tests.slow") == ["tests.slow"]
    assert "tests.slow" not in flavour.claimed_from("default")

    settings.TASKS = {"default": settings.TASKS["default"] | {"QUEUES": ["default"]}}
    assert flavour.queue_for("tests.slow") == "default"
    assert {"headway", "tests.slow"} <= set(flavour.claimed_from("default"))


@pytest.mark.once
def test_a_silent_queue_does_not_silence_the_others() -> None:
    runs.start("tests.slow_lane")
    assert look() == 0, "its ring still waits"
    runs.start("tests.write_ledger", {"items": 1})
    DBTaskResult.objects.filter(queue_name="default").delete()
    assert look() == 1
    assert (tasks_of("tests.slow"), tasks_of("default")) == (1, 1)


@pytest.mark.slow
@pytest.mark.once
def test_a_worker_claims_nothing_of_a_queue_that_it_has_not(processes: Processes) -> None:
    processes.db_worker("--queue-name", "default")
    slow = runs.start("tests.slow_lane").run
    other = runs.start("tests.write_ledger", {"items": 3}).run
    assert wait_for_end(other.pk).state == "succeeded"
    assert slow.parts.get().tries == 0

    processes.db_worker("--queue-name", "tests.slow")
    assert wait_for_end(slow.pk).state == "succeeded"


@pytest.mark.slow
@pytest.mark.once
class TestCommand:
    def test_once_it_looks_once(self) -> None:
        runs.start("tests.write_ledger", {"items": 1})
        lose_rings()
        said = manage("headway_reaper", "--once", env=environment() | {"TEST_ENGINE": "django_tasks"})
        assert (said.returncode, said.stderr) == (0, "")
        assert tasks_of() == 1

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda number: number.name)
    def test_it_ends_when_it_is_asked_to(self, processes: Processes, number: signal.Signals) -> None:
        reaper = processes.reaper()
        reaper.send_signal(number)
        until(lambda: reaper.poll() is not None)
        assert reaper.returncode == 0

    def test_where_another_engine_delivers_it_says_that_it_is_not_needed(self) -> None:
        said = manage("headway_reaper")
        assert said.returncode == 1
        assert (
            "HEADWAY[\"ENGINE\"] is 'embedded', whose workers see to what is due themselves; "
            'this command is for "django_tasks".'
        ) in said.stderr
