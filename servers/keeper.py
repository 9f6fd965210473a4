"""Keeps a server process that dies with its caller. POSIX only.

A keeper is a process of its own (`main`), started by `Server` in server.py. It does what its standard input asks, and
ends the server as soon as that input ends, so also when the caller was killed with SIGKILL. Knows no particular
server: those say in a subclass of Keeper how they are started and when they answer. No package is needed here.
"""

import contextlib
import ctypes
import importlib
import json
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

__all__ = ["HOST", "Keeper", "ServerError", "main", "until"]

HOST = "127.0.0.1"
PORTS = range(20_000, 32_000)  # below those that kernels lend to clients, so that a restart finds its own still free
PORT_ATTEMPTS = 5  # a start that fails for another reason fails soon too
LINGER_SECONDS = 2  # that a port may still be held by killed children of the server
LOG_TAIL_LINES = 20
DEATH_SIGNAL = 1  # Linux's PR_SET_PDEATHSIG


class ServerError(RuntimeError):
    """A server is not there or did not do as it was told; where it has written a log, the end of it is told too."""


class Keeper:
    """Owns directory, ports and process of a server."""

    name: ClassVar[str]
    port_count: ClassVar[int] = 1
    ready_seconds: ClassVar[float] = 60
    stop_seconds: ClassVar[float] = 30  # for a signal to work, before a sterner one
    stop_signals: ClassVar[Sequence[signal.Signals]] = (signal.SIGTERM, signal.SIGKILL)
    crash_signal: ClassVar[signal.Signals] = signal.SIGKILL

    def __init__(self, directory: str | None = None, ports: Sequence[int] = ()) -> None:
        self.scratch = Path(tempfile.mkdtemp(prefix="headway-server-"))
        self.directory = Path(directory or self.scratch)
        self.log = self.directory / "server.log"
        self.ports = list(ports)
        self.prepared = False
        self.process: subprocess.Popen[bytes] | None = None
        self.logged = 0
        """Bytes of the log that are of earlier starts."""

    def prepare(self) -> None:
        """Makes what must be there before the first start."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.log.unlink(missing_ok=True)

    def launch(self, ports: Sequence[int]) -> subprocess.Popen[bytes]:
        """The server's process, which listens on these ports, or will soon."""
        raise NotImplementedError

    def is_ready(self, ports: Sequence[int]) -> bool:
        """Whether the server answers there."""
        raise NotImplementedError

    def start(self) -> None:
        """Returns when the server answers; nothing to do where it does already. Raises ServerError."""
        if self.is_running():
            return
        if not self.prepared:
            self.prepare()
            self.prepared = True
        for ports in [self.ports] if self.ports else self.free_ports():
            if self.listen(ports):
                self.ports = ports
                return
        raise self.failure(f"{self.name} did not start")

    def free_ports(self) -> Iterator[list[int]]:
        """Ports to try, a few times: between the look and the start they may be taken after all."""
        for _ in range(PORT_ATTEMPTS):
            yield list(islice(filter(is_free, random.sample(PORTS, len(PORTS))), self.port_count))

    def listen(self, ports: list[int]) -> bool:
        """Whether the server answers at the ports now. If not, it has ended: a port may be another's."""
        if self.process is not None:
            until(lambda: all(map(is_free, ports)), LINGER_SECONDS)
        for port in ports:
            try:
                bind(port)  # first, since another listener there might answer in the server's place
            except OSError as error:
                raise ServerError(f"{self.name} can't listen at {HOST}:{port}: {error.strerror}.") from error
        self.logged = self.log.stat().st_size if self.log.exists() else 0
        self.process = self.launch(ports)
        if not until(lambda: not self.is_running() or self.is_ready(ports), self.ready_seconds):
            self.end(self.stop_signals[-1])
            raise self.failure(f"{self.name} was not ready after {self.ready_seconds} seconds")
        return self.is_running()

    def spawn(self, command: Sequence[str | Path], **options: Any) -> subprocess.Popen[bytes]:
        """The command as a process that writes into the log, in a group of its own."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                process_group=0,
                preexec_fn=partial(_die_with_keeper, self.stop_signals[0]) if sys.platform == "linux" else None,
                **options,
            )

    def has_said(self, text: str) -> bool:
        """Whether its log has this, since it was started last."""
        return text.encode() in self.log.read_bytes()[self.logged :]

    def is_running(self) -> bool:
        """Whether the process is there. Once it has ended, its children are ended too."""
        if self.process is None or self.process.returncode is not None:
            return False
        if os.waitid(os.P_PID, self.process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
            return True
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)  # before its number is free for another, which `wait` does
        self.process.wait()
        return False

    def check(self) -> None:
        """Raises ServerError when the server has ended by itself."""
        if not self.is_running():
            code = self.process and self.process.returncode
            raise self.failure(f"{self.name} has ended (exit code {code})")

    def stop(self) -> None:
        for number in self.stop_signals:
            self.end(number)

    def crash(self) -> None:
        self.end(self.crash_signal)

    def end(self, number: signal.Signals) -> None:
        """Send the signal, and wait until it has worked. The last resort reaches the server's children too."""
        if self.process is None or not self.is_running():
            return
        if number == signal.SIGKILL:
            os.killpg(self.process.pid, number)
        else:
            os.kill(self.process.pid, number)
        until(lambda: not self.is_running(), self.stop_seconds)

    def failure(self, what: str) -> ServerError:
        tail = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:] if self.log.exists() else []
        return ServerError("\n  ".join([f"{what}. The end of {self.log}:", *tail]))

    def dismiss(self) -> None:
        """The end of all: of the server, and of what was only for it."""
        self.stop()
        shutil.rmtree(self.scratch, ignore_errors=True)

    def answer(self) -> dict[str, Any]:
        """What the caller learns after each request."""
        pid = self.process.pid if self.process else None
        return {"ports": self.ports, "directory": str(self.directory), "pid": pid}


def main() -> None:
    """`… MODULE:CLASS CALLER ARGUMENTS`: keep a server of this class until the caller's end."""
    named, caller, arguments = sys.argv[-3:]
    module, _, name = named.partition(":")
    kind: type[Keeper] = vars(importlib.import_module(module))[name]
    keep(int(caller), kind(**json.loads(arguments)))


def keep(caller: int, keeper: Keeper) -> None:
    """Answers the caller's requests, a line of JSON each, until there is no caller any more."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    actions: Mapping[str, Callable[[], None]] = {
        "start": keeper.start,
        "check": keeper.check,
        "stop": keeper.stop,
        "crash": keeper.crash,
    }
    try:
        for request in _requests(caller):
            try:
                actions[request]()
                answer = keeper.answer()
            except (ServerError, OSError) as error:
                answer = {"error": str(error)}
            with contextlib.suppress(BrokenPipeError):
                os.write(sys.stdout.fileno(), f"{json.dumps(answer)}\n".encode())
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        keeper.dismiss()


def _requests(caller: int) -> Iterator[str]:
    """Until the pipe ends or the caller: a child that it forked may hold the pipe open after its death."""
    while os.getppid() == caller:
        if select.select([sys.stdin], [], [], 1)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            yield line.strip()


def _die_with_keeper(number: signal.Signals) -> None:
    """Linux: a signal for the server when the keeper itself is killed. After a change of user, which would undo it."""
    ctypes.CDLL(None).prctl(DEATH_SIGNAL, number)


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether it came true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def is_free(port: int) -> bool:
    """Whether a server could listen at this port."""
    try:
        bind(port)
    except OSError:
        return False
    return True


def bind(port: int) -> None:
    """Raises OSError when a server couldn't listen at this port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # old connections may linger there
        probe.bind((HOST, port))
