"""The project's own processes: uvicorn with the site, and Headway's worker.

Both are told everything by their environment (DJANGO_SETTINGS_MODULE, DATABASE_URL and the like). No log of requests,
since their addresses may carry tickets.
"""

import http.client
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .keeper import HOST, Keeper
from .server import ROOT, Server

__all__ = ["Web", "Worker"]

GRACE_SECONDS = 5  # for requests in hand when it is asked to stop; streams have been told to come back by then


class WebKeeper(Keeper):
    """Runs uvicorn."""

    name = "The web process"
    stop_seconds = 2 * GRACE_SECONDS

    def __init__(self, python: str, application: str, processes: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.python, self.application, self.processes = python, application, processes

    def launch(self, ports: Sequence[int]) -> subprocess.Popen[bytes]:
        options = {
            "host": HOST,
            "port": ports[0],
            "workers": self.processes,
            "timeout-graceful-shutdown": GRACE_SECONDS,
            "log-level": "warning",  # at "info" the address of each WebSocket is told, with its ticket
        }
        told = [f"--{name}={value}" for name, value in options.items()]
        return self.spawn([self.python, "-m", "uvicorn", self.application, "--no-access-log", *told], cwd=ROOT)

    def is_ready(self, ports: Sequence[int]) -> bool:
        """Whether it answers a request, whatever the answer."""
        connection = http.client.HTTPConnection(HOST, ports[0], timeout=5)
        try:
            connection.request("HEAD", "/", headers={"Host": "localhost"})
            connection.getresponse()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        return True


class Web(Server):
    """The site, served by this many processes at `url`."""

    keeper = "servers.web:WebKeeper"

    def __init__(
        self,
        processes: int = 1,
        *,
        application: str = "example.asgi:application",
        ports: Sequence[int] = (),
        directory: str | os.PathLike[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(
            directory,
            environment=environment,
            python=sys.executable,
            application=application,
            processes=processes,
            ports=ports,
        )

    @property
    def url(self) -> str:
        return f"http://localhost:{self.ports[0]}"


class WorkerKeeper(Keeper):
    """Runs `headway_worker`."""

    name = "The worker"
    port_count = 0

    def __init__(self, python: str, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.python = python

    def launch(self, ports: Sequence[int]) -> subprocess.Popen[bytes]:
        return self.spawn([self.python, "manage.py", "headway_worker"], cwd=ROOT)

    def is_ready(self, ports: Sequence[int]) -> bool:
        """By its own word."""
        return self.has_said("is ready")


class Worker(Server):
    """A worker on the project's database. Stopped, it hands its work over first."""

    keeper = "servers.web:WorkerKeeper"

    def __init__(
        self,
        *,
        directory: str | os.PathLike[str] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(directory, environment=environment, python=sys.executable)
