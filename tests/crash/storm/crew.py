"""A worker of the crash run: a supervisor (or Celery's parent) with its children, to be killed and frozen.

Only what needs no packages: a keeper imports it (servers/keeper.py).
"""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from servers.keeper import Keeper
from servers.server import Server
from tests.processes import stop_group

__all__ = ["Crew", "EmbeddedWorker", "WorkerKeeper", "children_of"]

ROOT = Path(__file__).parents[3]


class WorkerKeeper(Keeper):
    """Runs `headway_worker` with so many processes."""

    name = "A worker"
    port_count = 0

    def __init__(self, python: str, processes: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.python, self.processes = python, processes

    def launch(self, ports: Sequence[int]) -> subprocess.Popen[bytes]:
        return self.spawn([self.python, "manage.py", "headway_worker", f"--processes={self.processes}"], cwd=ROOT)

    def is_ready(self, ports: Sequence[int]) -> bool:
        """By its own word."""
        return self.has_said("is ready")


class EmbeddedWorker(Server):
    """A `headway_worker`."""

    keeper = "tests.crash.storm.crew:WorkerKeeper"

    def __init__(self, processes: int, *, directory: Path, environment: Mapping[str, str]) -> None:
        super().__init__(directory, environment=environment, python=sys.executable, processes=processes)


class Crew:
    """A worker and what may happen to it, one thing at a time."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.busy = threading.Lock()  # held by whoever does something to it

    @property
    def pid(self) -> int:
        assert self.server.pid is not None
        return self.server.pid

    @property
    def pids(self) -> list[int]:
        """All its processes."""
        return [self.pid, *children_of(self.pid)]

    def kill_child(self, dice: random.Random) -> bool:
        """One of its children; its parent sees to the rest. False when it has none just now."""
        children = children_of(self.pid)
        return bool(children) and kill(dice.choice(children))

    def kill_parent(self, dice: random.Random) -> bool:
        """The parent alone; its children find themselves alone for a while, then somebody starts it anew."""
        hit = kill(self.pid)
        time.sleep(dice.uniform(0.2, 1.5))
        self.server.start()
        return hit

    def kill_all(self, dice: random.Random) -> bool:
        """Parent and children at one blow, as when a machine is gone."""
        self.server.crash()
        time.sleep(dice.uniform(0, 1.0))
        self.server.start()
        return True

    def deploy(self, dice: random.Random) -> bool:
        """Stopped as asked, and started anew."""
        self.server.stop()
        self.server.start()
        return True

    def freeze(self, until: Callable[[], bool], *, unless: Callable[[], bool]) -> bool:
        """All its processes stand still until that. False, and they go on at once, when this was no moment for it."""
        stop_group(self.pid)
        try:
            if unless():
                return False
            while not until():
                time.sleep(0.05)
            return True
        finally:
            os.killpg(self.pid, signal.SIGCONT)


def kill(pid: int) -> bool:
    """At once; False when it has ended by itself."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return False
    return True


def children_of(pid: int) -> list[int]:
    """The process ids of its children."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return sorted(int(line) for line in listed.stdout.split())
