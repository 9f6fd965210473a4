"""Real workers of Django's tasks, and the reaper beside them, on the test's own database."""

import os
import signal
from typing import IO, Any

from tests.forked import Process, start
from tests.workers import environment

__all__ = ["Processes"]


class Processes:
    """What a test has started; whatever is left of it is ended with it."""

    def __init__(self) -> None:
        self.started: list[Process] = []
        self.heard: list[IO[str]] = []

    def db_worker(self, *options: str, **given: Any) -> Process:
        """A worker of the database backend that polls every 50 ms."""
        return self.manage("db_worker", "--interval", "0.05", "--no-startup-delay", *options, **given)

    def reaper(self, lease_seconds: float = 10) -> Process:
        """A `headway_reaper`, once it has said that it is there."""
        ours, theirs = os.pipe()
        self.heard.append(os.fdopen(ours))
        with os.fdopen(theirs, "w") as out:
            reaper = self.manage("headway_reaper", lease_seconds=lease_seconds, out=out)
        assert "reaper rings" in self.heard[-1].readline()
        return reaper

    def manage(
        self,
        *command: str,
        lease_seconds: float = 10,
        slice_seconds: float = 30,
        out: IO[str] | None = None,
        err: IO[str] | None = None,
    ) -> Process:
        """Any command of manage.py, with Django's tasks as the engine."""
        env = environment(lease_seconds) | {"TEST_ENGINE": "django_tasks", "TEST_SLICE_SECONDS": str(slice_seconds)}
        process = start(["manage.py", *command], env, out, err)
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
        for said in self.heard:
            said.close()
