"""What is Celery's alone: its pools, its ways to stop, its worker's connection."""

import signal
import subprocess
import sys

import pytest
from django.db import connection

from example.celery import app
from headway import runs
from headway.models import Part, Worker
from tests.crash.aloud import Tell
from tests.crash.scene import LEASE, entries, part_of, until_owned_anew
from tests.engines.launchers import CeleryWorkers
from tests.engines.test_contract import begin, once_each, token, whose
from tests.pace import BareProcess
from tests.processes import spawn
from tests.workers import environment, until, wait_for_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

POOLS = ["threads", "solo"]


@pytest.mark.once
@pytest.mark.alone
@pytest.mark.parametrize("pool", POOLS)
def test_a_worker_without_children_hands_over_when_it_is_asked_to_stop(celery: CeleryWorkers, pool: str) -> None:
    worker = celery.start(2, pool=pool)
    run = begin()

    with BareProcess() as bare:
        worker.stop()
        took = until(lambda: worker.has_stopped)

    assert bare.undisturbed(took) < 2

    assert worker.process.returncode == 0
    assert part_of(run).token is None
    assert not Worker.objects.filter(pid=worker.process.pid).exists()
    celery.start(2, pool=pool)
    assert wait_for_end(run.pk, 150).state == "succeeded"
    assert part_of(run).resumes == 0
    assert entries(run.pk) == once_each(200)


@pytest.mark.once
@pytest.mark.alone
@pytest.mark.parametrize("pool", POOLS)
def test_a_worker_without_children_is_followed_when_it_is_killed(celery: CeleryWorkers, pool: str) -> None:
    both = celery.start(lease_seconds=LEASE, pool=pool), celery.start(lease_seconds=LEASE, pool=pool)
    run = begin()
    held = token(run)

    with BareProcess() as bare:
        whose(run, *both).kill_all()
        took = until_owned_anew(run, held)

    assert bare.undisturbed(took) < LEASE + 1
    assert wait_for_end(run.pk, 150).state == "succeeded"
    assert entries(run.pk) == once_each(200)


@pytest.mark.once
def test_threads_work_on_several_parts_at_once(celery: CeleryWorkers) -> None:
    celery.start(4, pool="threads")

    run = runs.start("tests.write_in_parts", {"items": 400, "work_us": 5_000}).run
    until(lambda: Part.objects.filter(run=run, token__isnull=False).count() > 1)

    assert wait_for_end(run.pk, 150).state == "succeeded"
    assert entries(run.pk) == once_each(400)


@pytest.mark.alone
def test_eight_parts_that_are_going_are_given_back_and_the_worker_is_out_within_four_seconds(
    celery: CeleryWorkers, tell: Tell
) -> None:
    worker = celery.start(8)
    run = runs.start("tests.take_time_in_parts", {"seconds": 60, "items": 6_000}).run
    owned = Part.objects.filter(run=run, token__isnull=False)
    until(lambda: owned.count() == 8 and owned.filter(succeeded__gt=0).count() == 8)

    with BareProcess() as bare:
        worker.stop()
        given_back = until(lambda: not owned.exists())
        out = given_back + until(lambda: worker.has_stopped)

    tell(f"eight parts given back after {given_back:.2f} s, the worker out after {out:.2f} s")
    assert bare.undisturbed(given_back) < 1
    assert bare.undisturbed(out) < 4  # the pool's children sleep a second before they end
    assert not Part.objects.filter(resumes__gt=0).exists()


@pytest.mark.once
@pytest.mark.parametrize("way", ["SIGQUIT", "remote"])
def test_whatever_ends_it_a_worker_hands_over(celery: CeleryWorkers, way: str) -> None:
    worker = celery.start(2)
    run = begin()

    if way == "remote":
        app.control.shutdown()
    else:
        worker.process.send_signal(signal.SIGQUIT)
    until(lambda: worker.has_stopped)

    assert part_of(run).token is None, "it was killed while it worked"
    assert not Part.objects.filter(resumes__gt=0).exists()


@pytest.mark.once
def test_no_worker_begins_that_could_not_work(celery: CeleryWorkers) -> None:
    said = refusal(celery, "prefork", CELERY_BROKER_URL="memory://")
    assert "(headway.E007)" in said
    assert "it lives in one process" in said


@pytest.mark.once
def test_a_pool_that_is_not_known_to_work_is_refused(celery: CeleryWorkers) -> None:
    said = refusal(celery, "custom", CELERY_CUSTOM_WORKER_POOL="tests.engines.odd_pool:TaskPool")
    assert "Headway doesn't run on this pool (tests.engines.odd_pool). Use one of: prefork, threads, solo." in said


def refusal(celery: CeleryWorkers, pool: str, **variables: str) -> str:
    """What a worker says that doesn't begin."""
    ended = subprocess.run(
        [sys.executable, *celery.command(pool)],
        env={**environment(), "TEST_ENGINE": "celery", **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 1
    return ended.stderr


@pytest.mark.once
def test_a_worker_that_has_nothing_of_ours_to_do_is_none_of_ours(celery: CeleryWorkers) -> None:
    process = spawn(
        [sys.executable, *celery.command("solo", queues=["celery"])],
        env={**environment(), "TEST_ENGINE": "celery"},
        stdout=subprocess.PIPE,
    )
    assert process.stdout is not None
    with process:
        until(lambda: b"Celery is ready" in process.stdout.readline())  # type: ignore[union-attr]
        process.terminate()

    assert not Worker.objects.exists()


@pytest.mark.postgresql  # SQLite has no server to ask
def test_a_worker_leaves_no_session_to_the_projects_tasks_and_a_broken_connection_costs_no_run(
    celery: CeleryWorkers,
) -> None:
    celery.start(pool="solo")
    wait_for_end(runs.start("tests.write_ledger", {"items": 1}).run.pk)
    until(lambda: not workers_sessions())
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    run = runs.start("tests.write_ledger", {"items": 4}).run

    assert wait_for_end(run.pk, 150).state == "succeeded"


def workers_sessions() -> list[int]:
    """The server's processes for sessions that carry a part's token."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'headway:%'"
        )
        return [pid for (pid,) in cursor.fetchall()]
