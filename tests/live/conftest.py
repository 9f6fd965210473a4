"""What the live tests share: servers, people, and their sign-in."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from .server import Server, serving


@pytest.fixture(scope="package")
def server(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A web process as a project would have it, for all tests that don't change it."""
    with serving(tmp_path_factory.mktemp("live") / "server.log") as running:
        yield running


@pytest.fixture
def serve(transactional_db: None, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """serve(headway={"STREAM_SECONDS": 1}): a web process of the test's own."""
    with ExitStack() as stack:
        yield lambda **settings: stack.enter_context(serving(tmp_path / "server.log", **settings))


@pytest.fixture
def person(transactional_db: None) -> Callable[[str], Any]:
    """person("ada"): a user."""
    from django.contrib.auth.models import User  # needs Django's apps

    return lambda name: User.objects.create(username=name)


@pytest.fixture
def ada(person: Callable[[str], Any]) -> Any:
    return person("ada")


@pytest.fixture
def bob(person: Callable[[str], Any]) -> Any:
    return person("bob")
