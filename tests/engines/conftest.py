"""The engines that keep the contract, and the brokers that they need.

Each engine is tried on the database that it is most often run with, the embedded one on both where a death or a lost
lease meets the database's own sessions and locks: what else differs between the databases is below the engines.
RabbitMQ is tried where a server is found on this machine; without one the summary says so, and CI fails.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pytest

from example.celery import app as celery_app
from headway.engines.celery import doorbell as bells
from headway.engines.engine import fuse
from servers.server import Server
from servers.valkey import Valkey
from tests.crash.aloud import tell as tell
from tests.engines.launchers import CeleryWorkers, DjangoTasks, Embedded, Launcher
from tests.engines.rabbitmq import RabbitMQ

ENGINES = {
    "embedded": (Embedded, None),
    "celery": (CeleryWorkers, "valkey"),
    "celery-rabbitmq": (CeleryWorkers, "rabbitmq"),
    "django-tasks": (DjangoTasks, None),
}
"""Name → how its workers are launched, and the fixture of the broker that they need."""

ON = {"celery": "postgresql", "celery-rabbitmq": "postgresql", "django-tasks": "sqlite"}
"""The one database with which an engine is tried; the embedded engine has both."""
ON_ONE = ON | {"embedded": "sqlite"}
"""The same for what no database decides: there Celery shows it on PostgreSQL."""


@pytest.fixture(scope="package")
def valkey() -> Iterator[Valkey]:
    """A broker, one for all tests."""
    with Valkey() as server:
        yield server


@pytest.fixture(scope="package")
def rabbitmq() -> Iterator[RabbitMQ]:
    """The same; skips, aloud, where it isn't installed."""
    if not RabbitMQ.is_installed():
        pytest.skip("rabbitmq-server isn't installed here: the contract wasn't tried on RabbitMQ")
    with RabbitMQ() as server:
        yield server


def tried(names: Iterable[str] = ENGINES, on: Mapping[str, str] = ON) -> list[Any]:
    """These engines as parameters, each on its database."""
    return [pytest.param(name, marks=[getattr(pytest.mark, on[name])] if name in on else []) for name in names]


on_one_database = pytest.mark.parametrize("engine", tried(on=ON_ONE), indirect=True)


@pytest.fixture(params=tried())
def engine(request: pytest.FixtureRequest, settings: Any, transactional_db: None) -> Iterator[Launcher]:
    """One engine after the other; the test's own process rings at it."""
    launcher, broker = ENGINES[request.param]
    if broker:
        request.getfixturevalue(broker)
        request.getfixturevalue("broker")
    settings.HEADWAY = settings.HEADWAY | {"ENGINE": launcher.engine}
    workers = launcher()
    yield workers
    workers.close()


@pytest.fixture
def broker(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """The broker of the engine at hand, empty, running and known to this process; Valkey where none is named."""
    callspec = getattr(request.node, "callspec", None)
    _, name = ENGINES[callspec.params.get("engine", "celery")] if callspec else (None, "valkey")
    server = request.getfixturevalue(name or "valkey")
    server.start()
    server.empty()
    monkeypatch.setenv("CELERY_BROKER_URL", server.url)
    celery_app.set_current()
    bells.publisher.reset()
    fuse.failures = 0  # it isn't left alone because of another test's failures
    yield server
    bells.publisher.forget()


@pytest.fixture
def celery(broker: Server, settings: Any, transactional_db: None) -> Iterator[CeleryWorkers]:
    """Celery on Valkey, for what is Celery's alone."""
    settings.HEADWAY = settings.HEADWAY | {"ENGINE": "celery"}
    workers = CeleryWorkers()
    yield workers
    workers.close()
