"""What the tests of this engine share: the test's process rings by tasks, and real workers hear it."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.tasks.workers import Processes


@pytest.fixture(autouse=True)
def by_tasks(settings: Any) -> None:
    """The engine is Django's tasks."""
    settings.HEADWAY = settings.HEADWAY | {"ENGINE": "django_tasks"}


@pytest.fixture
def processes(transactional_db: None) -> Iterator[Processes]:
    """Starts real workers on the test's database, and ends them with the test."""
    with Processes() as started:
        yield started
