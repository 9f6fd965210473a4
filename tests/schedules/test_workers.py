"""Real workers of each engine that keep time: killed, stopped, and busy for longer than a tick waits."""

import os
import random
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from headway import runs
from headway.models import IdempotencyKey, LastTick, Run
from headway.testing import turn_clock
from tests.app.gates import Gate
from tests.app.models import LedgerEntry
from tests.crash.aloud import Tell
from tests.engines.conftest import tried
from tests.engines.launchers import Launcher
from tests.workers import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SECONDS = int(os.environ.get("SCHEDULE_SECONDS", "10"))
BETWEEN_KILLS = 5  # s
WORKERS = 4
EVERY_SECOND = "* * * * * *"
NAME = "tests.by_the_clock"

on_each_engine = pytest.mark.parametrize("engine", tried(["embedded", "celery"]), indirect=True)


def ticks() -> list[int]:
    """The moments, in seconds, that have had their start."""
    found = IdempotencyKey.objects.filter(key__startswith=f"tick {NAME} ").values_list("key", flat=True)
    return sorted(round(datetime.fromisoformat(key.split()[-1]).timestamp()) for key in found)


def hours_from_now(hours: int = 12) -> str:
    """Each day at a time that is far from now."""
    then = datetime.now(UTC) + timedelta(hours=hours)
    return f"{then:%M %H} * * *"


@on_each_engine
@pytest.mark.alone
@pytest.mark.timeout(600)
def test_each_tick_starts_one_run_whichever_worker_is_killed(engine: Launcher, dice: random.Random, tell: Tell) -> None:
    engine.variables["TEST_SCHEDULE"] = EVERY_SECOND
    workers = engine.start(WORKERS)
    killed = 0

    while (come := len(ticks())) < SECONDS:
        until(lambda come=come: len(ticks()) >= come + BETWEEN_KILLS)  # type: ignore[misc]
        os.kill(dice.choice(workers.working), signal.SIGKILL)
        killed += 1
    first = ticks()[:SECONDS]
    until(lambda: LedgerEntry.objects.count() >= SECONDS)
    workers.kill_all()

    tell(f"{engine.engine}: {SECONDS} ticks, {killed} of {WORKERS} workers killed by turns, {Run.objects.count()} runs")
    assert first == list(range(first[0], first[0] + SECONDS))
    assert len(ticks()) == len(set(ticks())) == Run.objects.count()
    assert set(Counter(LedgerEntry.objects.values_list("run", flat=True)).values()) == {1}
    assert LastTick.objects.get().missed is None


@on_each_engine
@pytest.mark.parametrize(("missed", "made_up_for"), [("once", 1), ("never", 0)])
def test_what_came_due_while_no_worker_was_there(engine: Launcher, missed: str, made_up_for: int) -> None:
    engine.variables |= {"TEST_SCHEDULE": hours_from_now(), "TEST_MISSED": missed}
    before = engine.start()
    until(LastTick.objects.exists)
    before.kill_all()
    assert not Run.objects.exists()

    turn_clock(timedelta(days=3))
    engine.start(2)

    until(lambda: LastTick.objects.filter(missed__isnull=False).exists())
    assert Run.objects.count() == made_up_for
    assert LastTick.objects.get().lapse == "no-worker"
    until(lambda: LedgerEntry.objects.count() == made_up_for)


@pytest.mark.parametrize("engine", tried(["embedded"]), indirect=True)
def test_a_tick_comes_while_all_workers_are_busy(engine: Launcher, tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate").build()
    engine.variables["TEST_SCHEDULE"] = EVERY_SECOND
    run = runs.start(
        "tests.publish", {"sink": str(tmp_path / "sink"), "gate": f"download:{tmp_path / 'gate'}", "deaf": True}
    )
    engine.start()
    gate.wait_until_reached()

    come = len(ticks())
    until(lambda: len(ticks()) >= come + 2)

    assert Run.objects.get(pk=run.run.pk).state == "running"
    gate.open()
