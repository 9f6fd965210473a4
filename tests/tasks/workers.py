"""Real workers of Django's tasks, and the reaper beside them, on the test's own database."""

import os
import signal
import subprocess
import sys

from tests.processes import spawn
from tests.workers import environment

__all__ = ["Processes"]


class Processes:
    """What a test has started; whatever is left of it is ended with it."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[str]] = []

    def db_worker(self, *options: str, lease_seconds: float = 10, slice_seconds: float = 30) -> subprocess.Popen[str]:
        """A worker of the database backend that polls every 50 ms."""
        fast = ["--interval", "0.05", "--no-startup-delay"]
        return self.manage("db_worker", *fast, *options, lease_seconds=lease_seconds, slice_seconds=slice_seconds)

    def reaper(self, lease_seconds: float = 10) -> subprocess.Popen[str]:
        """A `headway_reaper`, once it has said that it is there."""
        reaper = self.manage("headway_reaper", lease_seconds=lease_seconds)
        assert reaper.stdout is not None
        assert "reaper rings" in reaper.stdout.readline()
        return reaper

    def manage(self, *command: str, lease_seconds: float = 10, slice_seconds: float = 30) -> subprocess.Popen[str]:
        """Any command of manage.py, with Django's tasks as the engine."""
        env = environment(lease_seconds) | {"TEST_ENGINE": "django_tasks", "TEST_SLICE_SECONDS": str(slice_seconds)}
        process = spawn([sys.executable, "manage.py", *command], env=env, stdout=subprocess.PIPE, text=True)
        self.started.append(process)
        return process

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *error: object) -> None:
        for process in self.started:
            try:
                os.killpg(process.pid, signal.SIGKILL)  # its own session, so nothing else is in that group
            except ProcessLookupError:
                pass
            process.wait()
            if process.stdout:
                process.stdout.close()
