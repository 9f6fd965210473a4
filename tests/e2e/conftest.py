"""What the end-to-end tests share: people, a web process on the test's database, the proxy before it."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TypeAlias

import pytest

from servers.web import Web
from tests.crash.aloud import tell as tell
from tests.workers import environment

StartWeb: TypeAlias = Callable[..., Web]


@pytest.fixture
def people(transactional_db: None) -> None:
    """demo, other and admin, as in the demo."""
    from example.users import ensure_users  # needs Django's apps, which pytest-django loads after this file

    ensure_users()


@pytest.fixture
def start_web(people: None) -> Iterator[StartWeb]:
    """Starts uvicorn on the test's database, and ends it with the test."""
    with ExitStack() as running:

        def start(processes: int = 1, lease_seconds: float = 10, **settings: str) -> Web:
            web = running.enter_context(Web(processes, environment=environment(lease_seconds) | settings))
            running.callback(lambda: print((web.directory / "server.log").read_text()))  # pytest shows it if it fails
            return web

        yield start
