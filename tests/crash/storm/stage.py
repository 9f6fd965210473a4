"""What a crash run is played on: a database, web processes, workers, and in the distributed one a broker."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers.celery import CeleryBeat, CeleryWorker
from servers.postgres import Postgres
from servers.server import Server
from servers.valkey import Valkey
from servers.web import Web

from .crew import Crew, EmbeddedWorker

__all__ = ["STAGES", "Stage"]

ROOT = Path(__file__).parents[3]
WEBS, CHILDREN = 2, 2
VISIBILITY_TIMEOUT = 5  # s
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
def embedded(scratch: Path, crews: int, webs: int = WEBS) -> Iterator[Stage]:
    """The embedded worker on SQLite."""
    file = scratch / "storm.sqlite3"
    environment = environ(scratch) | {"TEST_DATABASE_NAME": str(file)}
    migrate(environment)
    with ExitStack() as running:
        workers = [
            EmbeddedWorker(CHILDREN, directory=scratch / name, environment=environment)
            for name in names("worker", crews)
        ]
        sites = webs_of(scratch, environment, webs)
        start(running, [*sites, *workers])
        yield Stage(
            "embedded + SQLite",
            f"sqlite:///{file}",
            environment,
            sites,
            [Crew(worker) for worker in workers],
            is_locked=lambda: is_locked(file),
        )


@contextmanager
def celery(scratch: Path, crews: int) -> Iterator[Stage]:
    """Celery over Valkey, truth in PostgreSQL; a message that isn't acknowledged within 5 s comes again."""
    with ExitStack() as running:
        database = running.enter_context(Postgres(durable=True))
        broker = running.enter_context(Valkey())
        environment = environ(scratch) | {
            "TEST_DATABASE_URL": database.url,
            "TEST_ENGINE": "celery",
            "TEST_VISIBILITY_TIMEOUT": str(VISIBILITY_TIMEOUT),
            "CELERY_BROKER_URL": broker.url,
        }
        migrate(environment)
        workers = [
            CeleryWorker(broker=broker.url, concurrency=CHILDREN, environment=environment, directory=scratch / name)
            for name in names("worker", crews)
        ]
        beat = CeleryBeat(broker=broker.url, environment=environment, directory=scratch / "beat")
        sites = webs_of(scratch, environment, WEBS)
        start(running, [*sites, *workers, beat])
        yield Stage(
            "Celery + Valkey + PostgreSQL",
            database.url,
            environment,
            sites,
            [Crew(worker) for worker in workers],
            restart_database=database.restart_immediately,
            broker=broker,
            empty_broker=broker.empty,
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
    subprocess.run([sys.executable, "-c", PREPARE], cwd=ROOT, env=environment, check=True)


PREPARE = """
import django
from django.core.management import call_command
django.setup()
call_command("migrate", run_syncdb=True, verbosity=0)
from example.users import ensure_users
ensure_users()
"""


def webs_of(scratch: Path, environment: dict[str, str], count: int) -> list[Web]:
    return [Web(directory=scratch / name, environment=environment) for name in names("web", count)]


def start(running: ExitStack, servers: Sequence[Server]) -> None:
    """All of them at once, until the end of `running`."""
    with ThreadPoolExecutor(len(servers)) as pool:
        for started in [pool.submit(running.enter_context, server) for server in servers]:
            started.result()


def names(what: str, count: int) -> list[str]:
    return [f"{what}-{number}" for number in range(1, count + 1)]


STAGES = {"embedded": embedded, "celery": celery}
