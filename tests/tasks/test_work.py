"""A worker of Django's tasks does runs, and hands them over when it is asked to stop or is killed."""

import signal
from pathlib import Path

import pytest
from django_tasks_db.models import DBTaskResult

from headway import runs
from headway.database import now_ms
from headway.models import ItemOutcome, Run, Worker
from headway.store.parts import workers
from tests.app.gates import Gate
from tests.app.models import LedgerEntry
from tests.crash.scene import entries, part_of, processed
from tests.once import once
from tests.pace import BareProcess
from tests.processes import whole_lines
from tests.tasks.ordinary import tell_session
from tests.tasks.workers import Processes
from tests.workers import until, wait_for_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

LEASE = 2.0  # s
OWN_TASK = "tests.tasks.ordinary.tell_session"


def statuses() -> list[str]:
    """Of all tasks, in the order of their making."""
    return list(DBTaskResult.objects.order_by("enqueued_at").values_list("status", flat=True))


def test_a_run_is_worked_to_its_end_slice_by_slice(processes: Processes) -> None:
    processes.db_worker(slice_seconds=0.3)
    run = runs.start("tests.write_ledger", {"items": 100, "work_us": 10_000, "reject": "3", "fail": "5"}).run

    ended = wait_for_end(run.pk)

    assert ended.state == "partial"
    assert LedgerEntry.objects.filter(run=run.pk).count() == 98
    until(lambda: set(statuses()) == {"SUCCESSFUL"})
    assert len(statuses()) >= 3, "a second of work in slices of 0.3 s"
    assert part_of(run).resumes == 0


@pytest.mark.once
def test_a_worker_is_known_from_its_first_task_to_its_end(processes: Processes) -> None:
    worker = processes.db_worker()
    run = runs.start("tests.write_ledger", {"items": 3}).run
    wait_for_end(run.pk)
    until(lambda: Worker.objects.filter(pid=worker.pid, doorbell=0).exists())
    assert workers.alive() == 1

    worker.send_signal(signal.SIGTERM)

    until(lambda: worker.poll() == 0)
    assert workers.alive() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, *once(signal.SIGINT)], ids=lambda number: number.name)
def test_a_worker_that_is_asked_to_stop_gives_back_and_rings(processes: Processes, number: signal.Signals) -> None:
    worker = processes.db_worker()
    run = runs.start("tests.write_ledger", {"items": 1_000, "work_us": 1_000}).run
    until(lambda: processed(run) > 100)

    worker.send_signal(number)
    until(lambda: worker.poll() is not None)

    part = part_of(run)
    assert worker.returncode == 0
    assert 100 < part.succeeded < 1_000
    assert (part.token, part.resumes) == (None, 0)
    assert part.due is not None
    assert part.due <= now_ms()
    assert statuses()[-1] == "READY", "it rang for whoever comes next"

    processes.db_worker()
    assert wait_for_end(run.pk).state == "succeeded"
    assert entries(run.pk) == {str(item): 1 for item in range(1_000)}
    assert part_of(run).resumes == 0


@pytest.mark.once
def test_asked_twice_a_worker_ends_within_the_item_and_no_item_is_suspected(
    processes: Processes, tmp_path: Path
) -> None:
    def answers() -> list[str]:
        """What the worker has said to signals: it answers each one."""
        return [line for line in whole_lines(tmp_path / "said") if "Received " in line]

    gate = Gate(tmp_path / "gate").build()
    with (tmp_path / "said").open("w") as said:
        worker = processes.db_worker(err=said)
    run = runs.start("tests.write_ledger", {"items": 20, "gate": f"10:{tmp_path / 'gate'}"}).run
    gate.wait_until_reached()

    worker.send_signal(signal.SIGINT)
    until(answers)
    while "terminating current task" not in answers()[-1]:
        heard = len(answers())
        worker.send_signal(signal.SIGTERM)  # once more where it came before the worker had noted the first one
        until(lambda heard=heard: len(answers()) > heard)
    until(lambda: worker.poll() is not None)

    part = part_of(run)
    assert (part.token, part.careful, part.deaths) == (None, 0, 0)
    assert part.due is not None
    assert part.due <= now_ms()


@pytest.mark.alone
def test_what_a_killed_worker_had_goes_on_within_the_lease_and_a_second(processes: Processes, tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate").build()
    processes.reaper(LEASE)
    worker = processes.db_worker(lease_seconds=LEASE)
    run = runs.start("tests.read_through_gate", {"items": 20, "gate": f"10:{tmp_path / 'gate'}"}).run
    gate.wait_until_reached()
    token = part_of(run).token
    processes.db_worker(lease_seconds=LEASE)
    tell_session.enqueue("default")
    until(DBTaskResult.objects.filter(task_path=OWN_TASK, status="SUCCESSFUL").exists)

    with BareProcess() as bare:
        worker.kill()
        worker.wait()
        took = until(lambda: part_of(run).token not in (token, None))

    assert bare.undisturbed(took) < LEASE + 1
    gate.open(2)
    assert wait_for_end(run.pk).state == "succeeded"
    assert entries(run.pk) == {str(item): 1 for item in range(20)}
    assert statuses()[0] == "RUNNING", "its own task stays so for ever; nobody waits for it"


def test_a_worker_that_has_a_task_watches_over_what_the_others_have(processes: Processes, tmp_path: Path) -> None:
    gates = [Gate(tmp_path / f"gate{number}").build() for number in (1, 2)]
    for number, gate in enumerate(gates, start=1):
        worker = processes.db_worker(lease_seconds=LEASE)
        given = {"items": 20 + number, "gate": f"10:{tmp_path}/gate{number}"}
        run = runs.start("tests.read_through_gate", given).run
        gate.wait_until_reached()
    token = part_of(run).token

    worker.kill()
    gates[0].open()
    until(lambda: part_of(run).token not in (token, None))

    gates[1].open()
    assert wait_for_end(run.pk).state == "succeeded"
    assert entries(run.pk) == {str(item): 1 for item in range(22)}


@pytest.mark.postgresql  # whose sessions alone have limits
def test_the_projects_own_tasks_find_the_session_as_the_project_made_it(processes: Processes) -> None:
    processes.db_worker()
    tell_session.enqueue("default")
    wait_for_end(runs.start("tests.write_ledger", {"items": 1}).run.pk)
    tell_session.enqueue("default")
    told = DBTaskResult.objects.filter(task_path=OWN_TASK, status="SUCCESSFUL")
    until(lambda: told.count() == 2)
    assert len(set(told.values_list("return_value", flat=True))) == 1


@pytest.mark.once
def test_an_item_that_kills_its_workers_is_left_out_where_they_are_restarted(processes: Processes) -> None:
    processes.reaper(lease_seconds=1)
    processes.db_worker(lease_seconds=1)
    run = runs.start("tests.write_ledger", {"items": 20, "die": "7"}).run

    def is_done_or_restarts() -> bool:
        if processes.started[-1].poll() is not None:
            processes.db_worker(lease_seconds=1)
        return Run.objects.get(pk=run.pk).is_done

    until(is_done_or_restarts, seconds=120)

    assert Run.objects.get(pk=run.pk).state == "partial"
    assert list(ItemOutcome.objects.filter(run=run).values_list("key", "code")) == [("7", "worker-died")]
    assert entries(run.pk) == {str(item): 1 for item in range(20) if item != 7}
