"""Real worker processes on the test's own database."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import UUID

from django.db import connection

from headway.models import Part, Run, Worker
from tests.forked import Process, start

__all__ = ["Workers", "children_of", "environment", "until", "wait_for_end"]

PATIENCE = 60.0  # s: far more than anything takes; a test that needs it has failed


class Workers:
    """Supervisors that a test has started; whatever is left of them is ended with it."""

    def __init__(self) -> None:
        self.started: list[Process] = []

    def start(self, processes: int = 1, lease_seconds: float = 10) -> Process:
        """A `headway_worker`, once its children have been heard of."""
        known = set(Worker.objects.values_list("id", flat=True))
        worker = start(["manage.py", "headway_worker", "--processes", str(processes)], environment(lease_seconds))
        self.started.append(worker)
        until(lambda: Worker.objects.exclude(id__in=known).filter(pid__in=children_of(worker.pid)).count() == processes)
        return worker

    def __enter__(self) -> "Workers":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for worker in self.started:
            try:
                os.killpg(worker.pid, signal.SIGKILL)  # its own session, so nothing else is in that group
            except ProcessLookupError:
                pass
            worker.wait()


def environment(lease_seconds: float = 10) -> dict[str, str]:
    """The environment in which another process uses this test's database."""
    return os.environ | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "TEST_DATABASE_NAME": str(connection.settings_dict["NAME"]),
        "TEST_LEASE_SECONDS": str(lease_seconds),
        "PYTHONPATH": os.getcwd(),
    }


def children_of(pid: int) -> list[int]:
    """The process ids of a process's children, in the order of their start."""
    if not os.path.exists("/proc/self/task"):  # not on Linux
        listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
        return sorted(map(int, listed.stdout.split()))
    # No `ps`: it takes longer than what waits for it sleeps from one look to the next.
    return sorted(int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in words(task))


def words(file: Path) -> list[str]:
    """Of a file in /proc, whose process may have ended."""
    try:
        return file.read_text().split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def until(condition: Callable[[], Any], seconds: float = PATIENCE) -> float:
    """
    Ask until it holds: every 10 ms at first, later every 50, so within 2 % of the time that it takes, which is given.
    Fails the test when it doesn't in time.
    """
    began = time.monotonic()
    while not condition():
        waited = time.monotonic() - began
        assert waited < seconds, f"still not so after {seconds} s: {states()}"
        time.sleep(max(0.01, min(waited / 50, 0.05)))
    return time.monotonic() - began


def wait_for_end(run_id: UUID, seconds: float = PATIENCE) -> Run:
    """The run once it is done."""
    until(lambda: Run.objects.get(pk=run_id).is_done, seconds)
    return Run.objects.get(pk=run_id)


def states() -> str:
    """What a failing wait should show."""
    runs = [f"{run.operation} {run.state} want={run.want}" for run in Run.objects.all()[:5]]
    parts = list(Part.objects.values_list("id", "kind", "token", "due", "cursor", "closed")[:5])
    return f"runs {runs}, parts {parts}"
