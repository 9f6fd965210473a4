"""Processes of the project that start in a tenth of the time: forked from one that has Django loaded already.

`manage.py` and uvicorn need a second of a processor's time before they begin, nearly all of it for imports, and the
tests start hundreds of them. What is forked here has done nothing but import: it has no connection and no thread, leads
a session of its own, and dies with the process that it was forked from, which dies with the tests.
"""

import atexit
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import IO, Any, TypeAlias

from tests.processes import die_with_parent, spawn

__all__ = ["Forked", "Process", "start"]

OF_EACH = frozenset(
    {"PGAPPNAME", "PYTEST_CURRENT_TEST", "TEST_HEADWAY", "TEST_LEASE_SECONDS", "TEST_SLICE_SECONDS"}
    | {"TEST_STREAM_SECONDS", "TEST_BEAT_SECONDS", "TEST_BLIND_SECONDS", "TEST_GRACE_SECONDS"}
    | {"TEST_TRUSTED_ORIGINS", "TEST_SENDS_NEED_TASK", "TEST_DATABASE_NAME", "TEST_HOLDS"}
    | {"HEADWAY_AUTHORIZATION"}
)
"""Variables that are read, or read again, behind the fork."""
WARM = ["uvicorn.main", "uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto", "headway.live"]
CAN_FORK = hasattr(os, "pidfd_open") and sys.platform == "linux"
MOST_ASKED = 1 << 20  # bytes


class Origin:
    """A process with Django loaded by these variables; asked for a fork, it gives its id."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.wire, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [sys.executable, "-m", "tests.forked", str(theirs.fileno())]
            self.process = spawn(command, env=environment, pass_fds=[theirs.fileno()])
        atexit.register(self.close)

    def fork(self, command: Sequence[str], environment: Mapping[str, str], files: Sequence[int]) -> int:
        told = json.dumps([list(command), dict(environment), os.getcwd()]).encode()
        socket.send_fds(self.wire, [told], files)
        return self.answer()

    def reap(self, pid: int) -> int:
        """The exit code of one that has ended, as `Popen` has it."""
        self.wire.send(json.dumps(pid).encode())
        return self.answer()

    def answer(self) -> int:
        said = self.wire.recv(MOST_ASKED)
        assert said, "the process from which others are forked has ended"
        return int(said)

    def close(self) -> None:
        self.wire.close()
        self.process.wait()


class Forked:
    """What tests need of a `Popen`."""

    def __init__(self, origin: Origin, pid: int) -> None:
        self.origin, self.pid = origin, pid
        self.end = os.pidfd_open(pid)
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Its exit code; None: it runs."""
        return self.ended_within(0)

    def wait(self, timeout: float | None = None) -> int:
        """Its exit code. Raises TimeoutExpired."""
        code = self.ended_within(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(str(self.pid), timeout or 0)
        return code

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def ended_within(self, seconds: float | None) -> int | None:
        if self.returncode is None and select.select([self.end], [], [], seconds)[0]:
            self.returncode = self.origin.reap(self.pid)
            os.close(self.end)
        return self.returncode


Process: TypeAlias = "Forked | subprocess.Popen[bytes]"
origins: dict[frozenset[tuple[str, str]], Origin] = {}


def start(
    command: Sequence[str], environment: Mapping[str, str], out: IO[Any] | None = None, err: IO[Any] | None = None
) -> Process:
    """
    Python with these arguments: `manage.py …`, or `-m module …`. Without `out` what it says is lost, without `err` its
    errors are ours.
    """
    if not CAN_FORK:
        return spawn([sys.executable, *command], env=environment, stdout=out or subprocess.DEVNULL, stderr=err)
    of_all = {name: value for name, value in environment.items() if name not in OF_EACH}
    key = frozenset(of_all.items())
    if key not in origins or origins[key].process.poll() is not None:
        origins[key] = Origin(of_all)
    with open(os.devnull, "wb") as nothing:
        files = [(out or nothing).fileno(), (err or sys.__stderr__).fileno()]
        return Forked(origins[key], origins[key].fork(command, environment, files))


def load() -> None:
    """Import what a worker and a web process import."""
    import django
    from django.conf import settings
    from django.core import checks
    from django.db import connections

    django.setup()
    checks.run_checks()
    connections.close_all()  # Django 6.1's checks ask the database
    for module in (settings.ROOT_URLCONF, *WARM):
        import_module(module)


def serve(wire: socket.socket) -> list[str]:
    """Fork as often as asked; gives, in each fork, its command. Ends with the one who asks."""
    while True:
        said, files, _, _ = socket.recv_fds(wire, MOST_ASKED, 2)
        if not said:
            sys.exit()
        asked = json.loads(said)
        if isinstance(asked, int):
            wire.send(str(os.waitstatus_to_exitcode(os.waitpid(asked, 0)[1])).encode())
        elif os.fork() == 0:
            os.setsid()
            die_with_parent()
            wire.send(str(os.getpid()).encode())  # only now: before, it couldn't be killed by its group
            wire.close()
            return become(*asked, files)
        for each in files:
            os.close(each)


def become(command: list[str], environment: dict[str, str], folder: str, files: list[int]) -> list[str]:
    """Make this fork a process like any other that was started with these."""
    from django.conf import settings

    from tests import settings as declared

    for number, file in zip((1, 2), files, strict=True):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)
    os.environ.update(environment)
    settings.HEADWAY = declared.headway()
    settings.DATABASES["default"]["NAME"] = environment["TEST_DATABASE_NAME"]
    return command


def main() -> None:
    load()
    with socket.socket(fileno=int(sys.argv[1])) as wire:
        command = serve(wire)
    if command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    main()
