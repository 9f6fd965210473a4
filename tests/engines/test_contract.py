"""What every engine must do, whatever delivers: the one suite that all of them pass, with real workers."""

import os
import signal
from pathlib import Path
from uuid import UUID

import pytest

from headway import runs
from headway.engines import ring
from headway.models import ItemOutcome, Part, Run, Worker
from tests.app.gates import Gate
from tests.crash.aloud import Tell
from tests.crash.scene import LEASE, entries, freeze, part_of, processed, thaw, until_owned_anew
from tests.engines.conftest import ENGINES, ON_ONE, on_one_database, tried
from tests.engines.launchers import Handle, Launcher
from tests.pace import BareProcess
from tests.workers import until, wait_for_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

REPLACING = [name for name, (launcher, _) in ENGINES.items() if launcher.replaces_the_dead]
replaces_the_dead = pytest.mark.parametrize("engine", tried(REPLACING), indirect=True)
replaces_the_dead_on_one_database = pytest.mark.parametrize("engine", tried(REPLACING, ON_ONE), indirect=True)
LONG = {"items": 200, "work_us": 15_000}  # seconds of work, in few items: after a death each is a transaction


def once_each(items: int) -> dict[str, int]:
    return {str(number): 1 for number in range(items)}


def owner(run: Run) -> Worker:
    """The process that works on the run."""
    until(lambda: Worker.objects.filter(id__in=Part.objects.filter(run=run, token__isnull=False).values("worker")))
    return Worker.objects.get(pk=part_of(run).worker)


def token(run: Run) -> int:
    """Of whoever owns the run's part."""
    until(lambda: part_of(run).token is not None)
    found = part_of(run).token
    assert found is not None
    return found


def whose(run: Run, *handles: Handle) -> Handle:
    """The worker that works on the run."""
    pid = owner(run).pid
    return next(handle for handle in handles if pid in handle.working)


def begin() -> Run:
    """A run that is being worked on."""
    run = runs.start("tests.write_ledger", LONG).run
    until(lambda: processed(run) >= 20)
    return run


@on_one_database
def test_a_run_is_worked_to_its_end_and_what_failed_is_retried_alone(engine: Launcher) -> None:
    engine.start()

    run = runs.start("tests.write_ledger", {"items": 200, "reject": "3", "skip": "4", "fail": "5"}).run
    ended = wait_for_end(run.pk)

    assert ended.state == "partial"
    assert (part_of(run).succeeded, part_of(run).failed, part_of(run).skipped) == (197, 2, 1)
    assert entries(run.pk) == {item: 1 for item in once_each(200) if item not in {"3", "4", "5"}}

    again = wait_for_end(runs.retry(ended).run.pk)

    assert again.state == "failed"
    assert processed(again) == part_of(again).failed == 2


@on_one_database
def test_the_parts_of_one_run_are_done_by_two_workers(engine: Launcher) -> None:
    first, second = engine.start(2), engine.start(2)

    run = runs.start("tests.write_in_parts", {"items": 800, "work_us": 4_000}).run
    pids: set[int] = set()

    def is_done() -> bool:
        owners = Part.objects.filter(run=run, token__isnull=False).values("worker")
        pids.update(Worker.objects.filter(id__in=owners).values_list("pid", flat=True))
        return Run.objects.get(pk=run.pk).is_done

    until(is_done)

    assert Run.objects.get(pk=run.pk).state == "succeeded"
    assert entries(run.pk) == once_each(800)
    assert pids & set(first.working)
    assert pids & set(second.working)


@replaces_the_dead
@pytest.mark.alone
def test_a_killed_childs_part_goes_on_within_a_second(engine: Launcher, tell: Tell) -> None:
    engine.start(2)
    run = begin()
    held = token(run)
    victim = owner(run).pid

    with BareProcess() as bare:
        os.kill(victim, signal.SIGKILL)
        took = until_owned_anew(run, held)

    tell(f"{engine.engine}: a killed child was followed after {took:.2f} s")
    assert bare.undisturbed(took) < 1
    assert wait_for_end(run.pk, 150).state == "succeeded"
    assert entries(run.pk) == once_each(200)


@pytest.mark.alone
def test_when_all_of_a_worker_is_killed_another_goes_on_after_the_lease(engine: Launcher, tell: Tell) -> None:
    both = engine.start(lease_seconds=LEASE), engine.start(lease_seconds=LEASE)
    run = begin()
    held = token(run)

    with BareProcess() as bare:
        whose(run, *both).kill_all()
        took = until_owned_anew(run, held)

    tell(f"{engine.engine}: a killed worker was followed after {took:.2f} s, with a lease of {LEASE:.0f} s")
    assert bare.undisturbed(took) < LEASE + 1
    assert wait_for_end(run.pk, 150).state == "succeeded"
    assert entries(run.pk) == once_each(200)


@pytest.mark.alone
def test_a_worker_that_is_asked_to_stop_hands_over_at_once(engine: Launcher, tell: Tell) -> None:
    both = engine.start(), engine.start()
    run = begin()
    held = token(run)
    worker = whose(run, *both)

    with BareProcess() as bare:
        worker.stop()
        taken_over = until_owned_anew(run, held)
        out = taken_over + until(lambda: worker.has_stopped)

    tell(f"{engine.engine}: asked to stop, taken over after {taken_over:.2f} s, out after {out:.2f} s")
    assert bare.undisturbed(out) < 2
    assert worker.process.returncode == 0
    assert wait_for_end(run.pk, 150).state == "succeeded"
    assert part_of(run).resumes == 0
    assert entries(run.pk) == once_each(200)


@on_one_database
def test_a_worker_that_is_asked_to_stop_leaves_its_step_and_another_begins_it_anew(
    engine: Launcher, tmp_path: Path
) -> None:
    gate = Gate(tmp_path / "gate").build()
    both = engine.start(), engine.start()
    given = {"sink": str(tmp_path / "sink"), "gate": f"convert:{tmp_path}/gate"}
    run = runs.start("tests.publish", given).run
    gate.wait_until_reached()
    worker = whose(run, *both)

    worker.stop()
    gate.wait_until_reached()
    until(lambda: worker.has_stopped)
    gate.open()

    assert wait_for_end(run.pk).state == "succeeded"
    assert part_of(run).resumes == 0
    begun = [line for line in (tmp_path / "sink").read_text().splitlines() if line.endswith("begun")]
    assert begun == ["download begun", "convert begun", "convert begun", "publish begun"]


def test_a_worker_that_was_frozen_past_its_lease_changes_nothing_any_more(
    engine: Launcher, tmp_path: Path, tell: Tell
) -> None:
    gate = Gate(tmp_path / "gate").build()
    frozen = engine.start(lease_seconds=LEASE)
    run = runs.start("tests.read_through_gate", {"items": 200, "gate": f"100:{tmp_path}/gate"}).run
    child = gate.wait_until_reached()
    freeze(frozen.process.pid)
    engine.start(lease_seconds=LEASE)
    assert gate.wait_until_reached() != child
    gate.open()
    ended = wait_for_end(run.pk)
    before = rows(run.pk)

    thaw(frozen.process.pid)
    gate.open()
    frozen.stop()
    until(lambda: frozen.has_stopped)

    assert ended.state == "succeeded"
    assert part_of(run).resumes == 1
    assert entries(run.pk) == once_each(200)
    assert rows(run.pk) == before


@on_one_database
def test_what_people_wish_is_done(engine: Launcher) -> None:
    engine.start()
    run = begin()

    runs.pause(run)
    until(lambda: Run.objects.get(pk=run.pk).state == "paused")
    done = processed(run)
    runs.resume(run)
    until(lambda: processed(run) > done)
    runs.cancel(run)
    until(lambda: Run.objects.get(pk=run.pk).state == "cancelled")

    assert 0 < done <= processed(run) < 200
    assert entries(run.pk) == once_each(processed(run))


@pytest.mark.alone
@on_one_database
def test_who_stood_in_line_begins_at_once(engine: Launcher, tell: Tell) -> None:
    engine.start()
    wait_for_end(runs.start("tests.in_line", {"count": 1}).run.pk)
    first = runs.start("tests.in_line", {"count": 500}).run
    second = runs.start("tests.in_line", {"count": 2}).run
    wait_for_end(first.pk)

    with BareProcess() as bare:
        took = until(lambda: Run.objects.get(pk=second.pk).is_done)

    tell(f"{engine.engine}: who stood in line was done {took:.2f} s after the run before it")
    assert bare.undisturbed(took) < 1
    assert entries(second.pk) == once_each(2)


@replaces_the_dead
def test_an_item_that_kills_its_worker_is_written_down(engine: Launcher) -> None:
    engine.start()

    run = runs.start("tests.write_ledger", {"items": 100, "die": "42"}).run
    ended = wait_for_end(run.pk)

    assert ended.state == "partial"
    assert list(ItemOutcome.objects.filter(run=run).values_list("key", "code")) == [("42", "worker-died")]
    assert entries(run.pk) == {item: 1 for item in once_each(100) if item != "42"}


@replaces_the_dead_on_one_database
def test_an_item_that_hangs_is_ended_and_written_down(engine: Launcher, tmp_path: Path) -> None:
    Gate(tmp_path / "gate").build()  # which nobody opens
    engine.start()

    run = runs.start("tests.hang", {"items": 50, "gate": f"20:{tmp_path}/gate"}).run
    ended = wait_for_end(run.pk)

    assert ended.state == "partial"
    assert list(ItemOutcome.objects.filter(run=run).values_list("key", "code")) == [("20", "worker-died")]
    assert entries(run.pk) == {item: 1 for item in once_each(50) if item != "20"}


@on_one_database
def test_a_worker_of_one_queue_leaves_the_others_alone(engine: Launcher) -> None:
    engine.start(queues=["headway"])
    waits = runs.start("tests.slow_lane", {"items": 5}).run
    wait_for_end(runs.start("tests.write_ledger", {"items": 6}).run.pk)
    assert Run.objects.get(pk=waits.pk).state == "queued"

    engine.start(queues=["tests.slow"])

    assert wait_for_end(waits.pk).state == "succeeded"


@on_one_database
def test_doorbells_that_ring_too_often_double_nothing(engine: Launcher) -> None:
    engine.start(2)
    run = runs.start("tests.write_in_parts", {"items": 1_000, "work_us": 500}).run

    def ring_and_look() -> bool:
        ring("tests.write_in_parts", 3)
        return Run.objects.get(pk=run.pk).is_done

    until(ring_and_look)

    assert Run.objects.get(pk=run.pk).state == "succeeded"
    assert entries(run.pk) == once_each(1_000)
    assert not Part.objects.filter(resumes__gt=0).exists()


def rows(run_id: UUID) -> list[dict[str, object]]:
    """The run's parts as they stand in the database."""
    return list(Part.objects.filter(run=run_id).order_by("id").values())
