"""What callers see of a server: it starts, stops, and is gone when they are.

The work is the keeper's (keeper.py), a process of its own; here is only the asking. Knows nothing of Django.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

from .keeper import ServerError

__all__ = ["ROOT", "Server", "ServerError"]

ROOT = Path(__file__).parents[1]
KEEP = "import sys; sys.path.insert(0, sys.argv[1]); from servers.keeper import main; main()"


class Server:
    """A server that runs from `start` (or `with`) to `close` (or the end of `with`, or of this process, however that
    comes). From the first start its ports stay the same, and `directory` holds its data and `server.log`: the one
    given, which is kept, or a temporary one, which is removed. One thread at a time.
    """

    keeper: ClassVar[str]  # module and class, for another process to import: here it may be called __main__
    directory: Path
    ports: Sequence[int]
    pid: int | None = None  # of the server's first process, which leads a group of its own

    def __init__(
        self,
        directory: str | os.PathLike[str] | None = None,
        *,
        environment: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> None:
        self._arguments = {"directory": None if directory is None else str(Path(directory).resolve()), **arguments}
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Returns when the server answers; nothing to do where it does already. Raises ServerError."""
        if self._process is not None:
            return self._ask("start")
        command = [sys.executable, "-IS", "-c", KEEP, str(ROOT), self.keeper, str(os.getpid())]
        self._process = subprocess.Popen(
            [*command, json.dumps(self._arguments | self.needs())],
            bufsize=0,
            cwd="/",
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C at the terminal is not for the server
        )
        try:
            return self._ask("start")
        except BaseException:
            self.close()
            raise

    def check(self) -> None:
        """Raises ServerError, with the end of the log, when the server has ended by itself."""
        self._ask("check")

    def stop(self) -> None:
        """Stops cleanly; `start` goes on from there."""
        self._ask("stop")

    def crash(self) -> None:
        """Ends the server as if it had failed; `start` goes on from there, at the same ports."""
        self._ask("crash")

    def close(self) -> None:
        """Ends the server and removes a temporary directory."""
        process, self._process = self._process, None
        if process is not None:
            with process:  # closes its standard input, and waits until it has ended
                pass

    def needs(self) -> dict[str, Any]:
        """What the keeper can't find by itself, having no packages. Raises ServerError where it isn't installed."""
        return {}

    def _ask(self, request: str) -> None:
        if self._process is None or self._process.stdin is None or self._process.stdout is None:
            raise ServerError(f"There is no server to {request}: use it in a `with`, or call start() first.")
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(f"{request}\n".encode())
        answer = json.loads(self._process.stdout.readline() or '{"error": "The keeper of this server was killed."}')
        if "error" in answer:
            raise ServerError(answer["error"])
        self.ports, self.directory = answer["ports"], Path(answer["directory"])
        self.pid = answer["pid"]
