"""What the contract asks of an engine: a way to start its workers, as real processes on the test's own database.

A new engine is a class with the attributes and methods of `Launcher`, and a line in conftest.py's ENGINES.
"""

import os
import secrets
import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from django_tasks_db.models import DBTaskResult

from headway.engines.django_tasks import flavour
from headway.engines.django_tasks.tasks import advance
from headway.engines.queues import every
from headway.models import Worker
from tests.forked import Process, start
from tests.workers import children_of, environment, until

__all__ = ["CeleryWorkers", "DjangoTasks", "Embedded", "Handle", "Launcher"]


@dataclass
class Handle:
    """A worker that was started: one process, or a parent with children."""

    process: Process
    forks: bool
    """Whether its children work, and not the process itself."""

    @property
    def working(self) -> list[int]:
        """The ids of the processes that claim parts."""
        return children_of(self.process.pid) if self.forks else [self.process.pid]

    def stop(self) -> None:
        """Ask it to stop, as a deploy does."""
        self.process.send_signal(signal.SIGTERM)

    @property
    def has_stopped(self) -> bool:
        return self.process.poll() is not None

    def signal_all(self, number: signal.Signals) -> None:
        """To the parent and its children alike: freeze, thaw or kill them."""
        os.killpg(self.process.pid, number)

    def kill_all(self) -> None:
        try:
            self.signal_all(signal.SIGKILL)  # its own session, so nothing else is in that group
        except ProcessLookupError:
            pass
        self.process.wait()


class Launcher(Protocol):
    """An engine, as far as the contract knows it."""

    engine: str
    """What HEADWAY["ENGINE"] says."""
    replaces_the_dead: bool
    """Whether a killed child is replaced, and its parts are due at once."""
    variables: dict[str, str]
    """What its processes have in their environment beside."""

    def start(self, processes: int = 1, lease_seconds: float = 10, queues: Sequence[str] = ()) -> Handle:
        """A worker of these queues (none: of all that there are), once its processes have told that they are there."""

    def close(self) -> None:
        """Kill all that was started."""


class Processes:
    """Starts and ends workers; the engines differ in the command."""

    engine: str
    replaces_the_dead = True

    def __init__(self, **variables: str) -> None:
        self.variables = variables
        self.started: list[Handle] = []

    def launch(
        self, command: Sequence[str], processes: int, lease_seconds: float, *, forks: bool, **variables: str
    ) -> Handle:
        """The command, once so many of its processes have told that they are there."""
        known = set(Worker.objects.values_list("id", flat=True))
        env: Mapping[str, str] = {
            **environment(lease_seconds),
            "TEST_ENGINE": self.engine,
            **self.variables,
            **variables,
        }
        handle = Handle(start(command, env), forks)
        self.started.append(handle)
        until(lambda: self.told(handle, known) == processes or handle.has_stopped)
        assert not handle.has_stopped, f"{command} has ended at once"
        return handle

    def told(self, handle: Handle, known: set[str]) -> int:
        """How many of its processes are known to the database."""
        return Worker.objects.exclude(id__in=known).filter(pid__in=handle.working).count()

    def close(self) -> None:
        for handle in self.started:
            handle.kill_all()


class Embedded(Processes):
    """`headway_worker`."""

    engine = "embedded"

    def start(self, processes: int = 1, lease_seconds: float = 10, queues: Sequence[str] = ()) -> Handle:
        chosen = [f"--queue={name}" for name in queues]
        command = ["manage.py", "headway_worker", f"--processes={processes}", *chosen]
        return self.launch(command, processes, lease_seconds, forks=True)


class CeleryWorkers(Processes):
    """Celery's worker, with any of its pools; its broker is the one that CELERY_BROKER_URL names."""

    engine = "celery"

    def start(
        self,
        processes: int = 1,
        lease_seconds: float = 10,
        queues: Sequence[str] = (),
        pool: str = "prefork",
        **variables: str,
    ) -> Handle:
        forks = pool == "prefork"
        command = self.command(pool, processes, queues or every())
        return self.launch(command, processes if forks else 1, lease_seconds, forks=forks, **variables)

    def command(self, pool: str = "prefork", processes: int = 1, queues: Sequence[str] = ("headway",)) -> list[str]:
        """Python's arguments."""
        options = {
            "pool": pool,
            "concurrency": str(processes),
            "queues": ",".join(queues),
            "hostname": f"{secrets.token_hex(4)}@%h",
            "loglevel": "INFO",
        }
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat"]
        return ["-m", "celery", "-A", "example.celery", "worker", *(f"--{k}={v}" for k, v in options.items()), *quiet]


class DjangoTasks(Processes):
    """`db_worker`, as django-tasks-db has it; nobody sees to its dead, so their work goes on after the lease."""

    engine = "django_tasks"
    replaces_the_dead = False

    def start(self, processes: int = 1, lease_seconds: float = 10, queues: Sequence[str] = ()) -> Handle:
        self.queues = {flavour.queue_for(queue) for queue in queues or every()}
        options = ["--interval=0.05", "--no-startup-delay", f"--queue-name={','.join(sorted(self.queues))}"]
        if processes == 1:
            return self.launch(["manage.py", "db_worker", *options], 1, lease_seconds, forks=False)
        command = ["-m", "tests.tasks.several", str(processes), *options]
        return self.launch(command, processes, lease_seconds, forks=True)

    def told(self, handle: Handle, known: set[str]) -> int:
        """The same; a worker tells with its first task of ours, so there must be one until all have had theirs."""
        for queue in self.queues:
            if not DBTaskResult.objects.filter(queue_name=queue, status="READY").exists():
                advance.using(queue_name=queue).enqueue(queue)
        return super().told(handle, known)
