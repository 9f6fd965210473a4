"""What a crash run is played on: a database, web processes, workers, and in the distributed one a broker."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from example.servers.server import Server
from example.servers.web import Web

from .crew import Crew, EmbeddedWorker

__all__ = ["STAGES", "Stage"]

WEBS, CREWS, CHILDREN = 2, 3, 2
LONGEST_CHUNK = 0.4  # s, with room: SQLite's locks have no queue
SETTINGS = "tests.crash.storm.settings"


@dataclass(frozen=True)
class Stage:
    """Everything that is there, and what can be done to it beyond killing its workers."""

    name: str
    ledger: str
    environment: dict[str, str]
    webs: Sequence[Web]
    crews: Sequence[Crew]
    restart_database: Callable[[], None] | None = None
    broker: Server | None = None
    empty_broker: Callable[[], None] = lambda: None
    is_locked: Callable[[], bool] = lambda: False
    """Whether somebody stands still with a lock that everybody needs."""

    @property
    def urls(self) -> list[str]:
        return [web.url for web in self.webs]

    @property
    def logs(self) -> list[Path]:
        return [server.directory / "server.log" for server in [*self.webs, *(crew.server for crew in self.crews)]]


@contextmanager
def embedded(scratch: Path) -> Iterator[Stage]:
    """The embedded worker on SQLite."""
    file = scratch / "storm.sqlite3"
    environment = environ(scratch) | {"TEST_DATABASE_NAME": str(file)}
    migrate(environment)
    with ExitStack() as running:
        webs = start_webs(running, scratch, environment)
        crews = []
        for name in names("worker", CREWS):
            worker = EmbeddedWorker(CHILDREN, directory=scratch / name, environment=environment)
            crews.append(Crew(name, running.enter_context(worker)))
        yield Stage(
            "embedded + SQLite", f"sqlite:///{file}", environment, webs, crews, is_locked=lambda: is_locked(file)
        )


def is_locked(file: Path) -> bool:
    """Whether nobody can write for longer than any chunk takes."""
    with closing(sqlite3.connect(file, timeout=LONGEST_CHUNK, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
        return False


def environ(scratch: Path) -> dict[str, str]:
    """What all processes are told, and the database of nobody else."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("TEST_", "DATABASE_URL"))}
    return inherited | {"DJANGO_SETTINGS_MODULE": SETTINGS, "TEST_SCRATCH": str(scratch), "LOG_LEVEL": "INFO"}


def migrate(environment: dict[str, str]) -> None:
    """Tables, and the people who use the site."""
    for arguments in (["migrate", "--run-syncdb", "--verbosity=0"], ["shell", "--verbosity=0", "-c", PEOPLE]):
        subprocess.run([sys.executable, "manage.py", *arguments], env=environment, check=True)


PEOPLE = "from example.users import ensure_users; ensure_users()"


def start_webs(running: ExitStack, scratch: Path, environment: dict[str, str]) -> list[Web]:
    return [
        running.enter_context(Web(directory=scratch / name, environment=environment)) for name in names("web", WEBS)
    ]


def names(what: str, count: int) -> list[str]:
    return [f"{what}-{number}" for number in range(1, count + 1)]


STAGES = {"embedded": embedded}
