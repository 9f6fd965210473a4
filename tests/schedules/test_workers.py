"""Real workers of each engine that keep time: killed, stopped, and busy for longer than a tick waits."""

import os
import random
import signal
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from headway import runs
from headway.models import IdempotencyKey, LastTick, Run
from headway.testing import turn_clock
from tests.app.gates import Gate
from tests.app.models import LedgerEntry
from tests.crash.aloud import Tell
from tests.engines.conftest import ON_ONE, tried
from tests.engines.launchers import Launcher
from tests.forked import start
from tests.workers import environment, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]

SECONDS = int(os.environ.get("SCHEDULE_SECONDS", "10"))
BETWEEN_KILLS = 5  # s
WORKERS = 4
EVERY_SECOND = "* * * * * *"
NAME = "tests.by_the_clock"

where_the_dead_are_replaced = pytest.mark.parametrize("engine", tried(["embedded", "celery"]), indirect=True)
on_each_engine = pytest.mark.parametrize("engine", tried(["embedded", "celery", "django-tasks"], ON_ONE), indirect=True)


def ticks() -> list[int]:
    """The moments, in seconds, that have had their start."""
    found = IdempotencyKey.objects.filter(key__startswith=f"tick {NAME} ").values_list("key", flat=True)
    return sorted(round(datetime.fromisoformat(key.split()[-1]).timestamp()) for key in found)


def hours_from_now(hours: int = 12) -> str:
    """Each day at a time that is far from now."""
    then = datetime.now(UTC) + timedelta(hours=hours)
    return f"{then:%M %H} * * *"


@where_the_dead_are_replaced
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


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("engine_name", "command"),
    [("embedded", ["headway_worker", "--once"]), ("django_tasks", ["headway_reaper", "--once"])],
)
@pytest.mark.usefixtures("transactional_db")
def test_what_cron_starts_now_and_then_starts_what_has_come_due(engine_name: str, command: list[str]) -> None:
    told = environment() | {"TEST_ENGINE": engine_name, "TEST_SCHEDULE": hours_from_now()}
    assert start(["manage.py", *command], told).wait(60) == 0
    assert not Run.objects.exists()

    turn_clock(timedelta(days=1))
    assert start(["manage.py", *command], told).wait(60) == 0

    assert Run.objects.count() == 1


@pytest.mark.sqlite
@pytest.mark.usefixtures("transactional_db")
def test_the_reaper_keeps_time_where_no_worker_has_heard_of_headway(settings: Any) -> None:
    settings.HEADWAY = settings.HEADWAY | {"ENGINE": "django_tasks"}
    told = environment() | {"TEST_ENGINE": "django_tasks", "TEST_SCHEDULE": EVERY_SECOND}
    reaper = start(["manage.py", "headway_reaper"], told)

    until(lambda: len(ticks()) >= 2)
    reaper.terminate()

    assert reaper.wait(60) == 0
