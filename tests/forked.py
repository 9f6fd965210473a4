"""Processes of the project that start in a tenth of the time: forked from one that has Django loaded already.

`manage.py` and uvicorn need a second of a processor's time before they begin, nearly all of it for imports, and the
tests start hundreds of them. What is forked here has done nothing but import: it has no connection and no thread, leads
a session of its own, and dies with the process that it was forked from, which dies with the tests.

A process with other settings than the tests' (`start_fresh`) saves half of that: the *seed*, from which it is forked,
has imported only what no settings change. Those with Django loaded (*origins*, one for each environment)
come from it too. Neither looks for garbage, of which imports make none.
"""

import atexit
import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import IO, Any, TypeAlias

from tests.processes import die_with_parent, spawn

__all__ = ["Forked", "Process", "start", "start_fresh"]

ROOT = Path(__file__).parents[1]
OF_EACH = frozenset(
    {"PGAPPNAME", "PYTEST_CURRENT_TEST", "TEST_HEADWAY", "TEST_LEASE_SECONDS", "TEST_SLICE_SECONDS"}
    | {"TEST_STREAM_SECONDS", "TEST_BEAT_SECONDS", "TEST_BLIND_SECONDS", "TEST_GRACE_SECONDS"}
    | {"TEST_TRUSTED_ORIGINS", "TEST_SENDS_NEED_TASK", "TEST_DATABASE_NAME", "TEST_HOLDS"}
    | {"HEADWAY_AUTHORIZATION", "TEST_POLL", "TEST_WAKE_UPS"}
)
"""Variables that are read, or read again, behind the fork."""
WARM = ["uvicorn.main", "uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto", "headway.live"]
WITHOUT_SETTINGS = [
    *("django.core.management", "django.test", "headway.client", "headway.contrib.logs", "rest_framework.serializers"),
    *("uvicorn.main", "uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto", "whitenoise.middleware"),
]
"""What can be imported before there are settings, and takes long."""
CAN_FORK = hasattr(os, "pidfd_open") and sys.platform == "linux"
MOST_ASKED = 1 << 20  # bytes
THIRD = 3  # an origin's wire


class Source:
    """A process that others are forked from: asked for a fork, it gives its id."""

    def __init__(self, process: "Process", wire: socket.socket) -> None:
        self.process, self.wire, self.lock = process, wire, threading.Lock()
        atexit.register(self.close)

    def fork(
        self, command: Sequence[str], environment: Mapping[str, str], files: Sequence[int], folder: Path = ROOT
    ) -> "Forked":
        pid = self.ask([list(command), dict(environment), str(folder)], files)
        assert pid, "the process from which others are forked has ended"
        return Forked(self, pid)

    def reap(self, pid: int) -> int:
        """The exit code of one that has ended, as `Popen` has it; it may have died with this process."""
        code = self.ask(pid)
        return -signal.SIGKILL if code is None else code

    def ask(self, what: object, files: Sequence[int] = ()) -> int | None:
        """Its answer; None: it has ended."""
        with self.lock, suppress(OSError):
            socket.send_fds(self.wire, [json.dumps(what).encode()], files)
            return int(said) if (said := self.wire.recv(MOST_ASKED)) else None
        return None

    def close(self) -> None:
        self.wire.close()
        self.process.wait()


class Forked:
    """What tests need of a `Popen`."""

    def __init__(self, origin: Source, pid: int) -> None:
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
seeds: dict[str, Source] = {}  # by their Python
origins: dict[frozenset[tuple[str, str]], Source] = {}


def start(
    command: Sequence[str], environment: Mapping[str, str], out: IO[Any] | None = None, err: IO[Any] | None = None
) -> Process:
    """
    Python with these arguments: `manage.py …`, or `-m module …`. Without `out` what it says is lost, without `err` its
    errors are ours.
    """
    return forked(origin, command, environment, out, err)


def start_fresh(
    command: Sequence[str],
    environment: Mapping[str, str],
    out: IO[Any] | None = None,
    err: IO[Any] | None = None,
    python: str = sys.executable,
    folder: Path = ROOT,
) -> Process:
    """The same in this folder, by this Python, with nothing but this environment; also `-c program`."""
    return forked(lambda _: seed(python), command, environment, out, err, python, folder)


def forked(
    source: Callable[[Mapping[str, str]], Source],
    command: Sequence[str],
    environment: Mapping[str, str],
    out: IO[Any] | None,
    err: IO[Any] | None,
    python: str = sys.executable,
    folder: Path = ROOT,
) -> Process:
    if not CAN_FORK:
        said = {"stdout": out or subprocess.DEVNULL, "stderr": err}
        return spawn([python, *command], env=environment, cwd=folder, **said)
    with open(os.devnull, "wb") as nothing:
        files = [(out or nothing).fileno(), (err or sys.__stderr__).fileno()]
        return source(environment).fork(command, environment, files, folder)


def origin(environment: Mapping[str, str]) -> Source:
    """The process with Django loaded by these variables."""
    of_all = {name: value for name, value in environment.items() if name not in OF_EACH}
    key = frozenset(of_all.items())
    if key not in origins or origins[key].process.poll() is not None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            err = sys.__stderr__.fileno()
            process = seed().fork(["-m", "tests.forked", str(THIRD)], of_all, [err, err, theirs.fileno()])
        origins[key] = Source(process, ours)
    return origins[key]


def seed(python: str = sys.executable) -> Source:
    """The process that has imported what needs no settings."""
    if python not in seeds or seeds[python].process.poll() is not None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            command = [python, "-m", "tests.forked", "seed", str(theirs.fileno())]
            seeds[python] = Source(spawn(command, cwd=ROOT, pass_fds=[theirs.fileno()]), ours)
    return seeds[python]


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


def serve(wire: socket.socket) -> tuple[list[str], dict[str, str], str, list[int]]:
    """Fork as often as asked; gives, in each fork, what it was asked for. Ends with the one who asks."""
    gc.freeze()
    while True:
        said, files, _, _ = socket.recv_fds(wire, MOST_ASKED, THIRD)
        if not said:
            sys.exit()
        asked = json.loads(said)
        if isinstance(asked, int):
            wire.send(str(os.waitstatus_to_exitcode(os.waitpid(asked, 0)[1])).encode())
        elif os.fork() == 0:
            gc.enable()
            os.setsid()
            die_with_parent()
            wire.send(str(os.getpid()).encode())  # only now: before, it couldn't be killed by its group
            wire.close()
            return (*asked, files)
        for each in files:
            os.close(each)


def become(folder: str, files: list[int]) -> None:
    """Make this fork a process that stands in this folder and says what it says into these."""
    for number, file in enumerate(files, start=1):
        os.dup2(file, number)
        os.close(file)
    os.chdir(folder)


def grow(wire: socket.socket) -> list[str]:
    """A seed: gives, in each fork, its command."""
    for module in WITHOUT_SETTINGS:
        import_module(module)
    command, environment, folder, files = serve(wire)
    become(folder, files)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[:1] = [folder, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep))]
    return command


def originate(wire: socket.socket) -> list[str]:
    """An origin: gives, in each fork, its command."""
    from django.conf import settings

    from tests import settings as declared

    load()
    command, environment, folder, files = serve(wire)
    become(folder, files)
    os.environ.update(environment)
    settings.HEADWAY = declared.headway()
    settings.DATABASES["default"]["NAME"] = environment["TEST_DATABASE_NAME"]
    return command


def run(command: list[str]) -> None:
    """As Python runs what stands behind its own name."""
    sys.argv = command
    if command[0] == "-m":
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    elif command[0] == "-c":
        sys.modules["__main__"] = ModuleType("__main__")
        exec(command[1], vars(sys.modules["__main__"]))
    else:
        runpy.run_path(command[0], run_name="__main__")


def main() -> None:
    """`seed WIRE` or `WIRE`."""
    gc.disable()
    with socket.socket(fileno=int(sys.argv[-1])) as wire:
        command = grow(wire) if "seed" in sys.argv else originate(wire)
    run(command)


if __name__ == "__main__":
    main()
