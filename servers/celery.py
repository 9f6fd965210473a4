"""Celery's processes: a worker of the project's app, and beat. Both are told everything by their environment."""

import os
import secrets
import subprocess
import sys
from collections.abc import Mapping, Sequence

from .keeper import Keeper
from .server import ROOT, Server

__all__ = ["CeleryBeat", "CeleryWorker"]

APP = "example.celery"
READY = "is ready."  # which the app says, see example/celery.py
DEFAULTS = {"DJANGO_SETTINGS_MODULE": "example.settings", "HEADWAY_ENGINE": "celery"}
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")  # workers needn't know of each other


class CeleryKeeper(Keeper):
    """Runs `celery` with the arguments it is given, until it says that it is ready."""

    name = "Celery"
    port_count = 0

    def __init__(self, python: str, arguments: Sequence[str], says: str, directory: str | None) -> None:
        super().__init__(directory)
        self.command = [python, "-m", "celery", *arguments]
        self.says = says

    def launch(self, ports: Sequence[int]) -> subprocess.Popen[bytes]:
        return self.spawn([word.replace("DIRECTORY", str(self.directory)) for word in self.command], cwd=ROOT)

    def is_ready(self, ports: Sequence[int]) -> bool:
        """By its own word."""
        return self.has_said(self.says)


class CeleryProcess(Server):
    """A process of Celery's, from `start` to `stop`; `crash` kills it with its children."""

    keeper = "servers.celery:CeleryKeeper"

    def __init__(
        self,
        arguments: Sequence[str],
        says: str,
        *,
        broker: str,
        environment: Mapping[str, str] | None,
        directory: str | os.PathLike[str] | None,
    ) -> None:
        given = os.environ if environment is None else environment
        super().__init__(
            directory,
            environment={**DEFAULTS, **given, "CELERY_BROKER_URL": broker},
            python=sys.executable,
            arguments=list(arguments),
            says=says,
        )


class CeleryWorker(CeleryProcess):
    """A worker. Stopped, it hands its work over first."""

    def __init__(
        self,
        *,
        broker: str,
        concurrency: int = 2,
        pool: str = "prefork",
        queues: Sequence[str] = ("headway",),
        environment: Mapping[str, str] | None = None,
        directory: str | os.PathLike[str] | None = None,
    ) -> None:
        options = {
            "pool": pool,
            "concurrency": concurrency,
            "queues": ",".join(queues),
            "prefetch-multiplier": 1,
            "hostname": f"headway-{secrets.token_hex(4)}@%h",
        }
        arguments = ["-A", APP, "worker", *(f"--{name}={value}" for name, value in options.items()), *QUIET]
        super().__init__(arguments, READY, broker=broker, environment=environment, directory=directory)


class CeleryBeat(CeleryProcess):
    """What sends the entries of CELERY_BEAT_SCHEDULE when they are due. One is enough."""

    def __init__(
        self,
        *,
        broker: str,
        environment: Mapping[str, str] | None = None,
        directory: str | os.PathLike[str] | None = None,
    ) -> None:
        arguments = ["-A", APP, "beat", "--schedule=DIRECTORY/schedule", "--pidfile="]
        super().__init__(arguments, READY, broker=broker, environment=environment, directory=directory)
