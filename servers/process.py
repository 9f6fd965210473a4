"""Any process of the project's own, by its command and its health check, as servers/topology.py has them."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from .keeper import Keeper
from .server import ROOT, Server

__all__ = ["Process"]

HEALTH_SECONDS = 30  # that a check may take on a busy machine
PORT = "{port}"


class ProcessKeeper(Keeper):
    """Runs the command; ready when its health check says so."""

    def __init__(
        self, title: str, command: Sequence[str], health: Sequence[str], stop_seconds: float, **arguments: Any
    ) -> None:
        super().__init__(**arguments)
        self.command, self.health = command, health
        # A class's attributes elsewhere; here each keeper has its own.
        self.name, self.stop_seconds = title, stop_seconds  # type: ignore[misc]
        self.port_count = int(any(PORT in word for word in command))  # type: ignore[misc]

    def launch(self, ports: Sequence[int]) -> subprocess.Popen[bytes]:
        return self.spawn(fill(self.command, ports), cwd=ROOT)

    def is_ready(self, ports: Sequence[int]) -> bool:
        """By the health check that a container would have."""
        try:
            checked = subprocess.run(
                fill(self.health, ports),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=HEALTH_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return checked.returncode == 0


class Process(Server):
    """One that runs until it is stopped. A word {port} of its command is a port that is free; `url` has it then."""

    keeper = "servers.process:ProcessKeeper"

    def __init__(
        self,
        title: str,
        command: Sequence[str],
        *,
        health: Sequence[str],
        stop_seconds: float,
        environment: Mapping[str, str],
        directory: str | os.PathLike[str],
    ) -> None:
        super().__init__(
            directory,
            environment=environment,
            title=title,
            command=list(command),
            health=list(health),
            stop_seconds=stop_seconds,
        )

    @property
    def url(self) -> str:
        return f"http://localhost:{self.ports[0]}"


def fill(words: Sequence[str], ports: Sequence[int]) -> list[str]:
    return [word.replace(PORT, str(ports[0])) if ports else word for word in words]
