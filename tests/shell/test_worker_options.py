"""headway_worker --once and --reload."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from headway import runs
from headway.models import Part, Run, Worker
from headway.operations.base import by_name
from tests.app.models import LedgerEntry
from tests.processes import spawn
from tests.workers import environment, until, wait_for_end

from .manage import manage

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

PROJECT = "from tests.settings import *\nINSTALLED_APPS = [*INSTALLED_APPS, 'changing']\n"
OPERATION = """
from headway import Operation
from tests.app.models import LedgerEntry
from tests.app.sources import Numbers

class Change(Operation):
    name = "changing.change"
    def items(self):
        return Numbers(1)
    def process(self, number):
        LedgerEntry.objects.create(run=self.run.id, item="{said}")
"""


@pytest.mark.parametrize("processes", [1, 2])
def test_once_the_worker_ends_when_nothing_is_due(processes: int) -> None:
    run = runs.start("tests.write_ledger", {"items": 20}).run
    later = runs.start("tests.write_ledger", {"items": 21}).run
    Part.objects.filter(run=later).update(due=1 << 50)

    said = manage("headway_worker", "--once", "--processes", processes)

    assert said.returncode == 0, said
    assert Run.objects.get(pk=run.pk).state == "succeeded"
    assert Run.objects.get(pk=later.pk).state == "queued"
    assert not Worker.objects.exists()


def test_once_an_item_that_kills_its_process_ends_nothing_else() -> None:
    run = runs.start("tests.write_ledger", {"items": 5, "die": "3"}).run

    said = manage("headway_worker", "--once")

    assert said.returncode == 0
    assert Run.objects.get(pk=run.pk).state == "partial"
    assert LedgerEntry.objects.count() == 4


@pytest.fixture
def reloading(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A worker on a project whose only file of its own is about to change."""
    write(tmp_path, "before")
    (tmp_path / "changing_settings.py").write_text(PROJECT)
    env = environment() | {"DJANGO_SETTINGS_MODULE": "changing_settings"}
    env["PYTHONPATH"] += f":{tmp_path}"
    command = [sys.executable, "manage.py", "headway_worker", "--reload"]
    with (tmp_path / "said").open("wb") as out:
        worker = spawn(command, env=env, stdout=out, stderr=subprocess.DEVNULL)
    until(Worker.objects.exists)
    yield worker
    try:
        os.killpg(worker.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    worker.wait()


def write(folder: Path, said: str) -> None:
    (folder / "changing").mkdir(exist_ok=True)
    (folder / "changing/__init__.py").touch()
    (folder / "changing/operations.py").write_text(OPERATION.format(said=said))


@pytest.fixture
def known_here() -> Iterator[None]:
    """This process, which starts the runs, knows the operation as well."""
    exec(OPERATION.format(said="here"), {"__name__": "changing.operations"})
    yield
    del by_name["changing.change"]


def start() -> Run:
    return runs.start("changing.change").run


@pytest.mark.slow
def test_a_worker_that_reloads_goes_on_with_the_new_code(
    reloading: subprocess.Popen[bytes], known_here: None, tmp_path: Path
) -> None:
    assert wait_for_end(start().pk).state == "succeeded"
    old = set(Worker.objects.values_list("id", flat=True))

    def write_again() -> bool:
        """Until the autoreloader has had its first look at the files, it takes a change for what was there."""
        write(tmp_path, "after!")
        return not Worker.objects.filter(id__in=old).exists()

    until(write_again)
    assert wait_for_end(start().pk).state == "succeeded"

    assert sorted(LedgerEntry.objects.values_list("item", flat=True)) == ["after!", "before"]


@pytest.mark.slow
def test_nothing_of_a_worker_that_reloads_is_left_behind_and_it_says_once_that_it_is_ready(
    reloading: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    reloading.terminate()

    assert reloading.wait(30) == 0
    assert (tmp_path / "said").read_text().count("is ready") == 1
    until(lambda: not Worker.objects.exists())
