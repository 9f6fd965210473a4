"""What the crash tests share.

A test marked `postgresql` is about that database alone: on another one it is deselected, and the summary counts it.
"""

from collections.abc import Iterator

import pytest
from django.db import connection

from tests.crash.aloud import dice as dice
from tests.crash.aloud import tell as tell


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "postgresql: about PostgreSQL alone; deselected on any other database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    foreign = [item for item in items if item.get_closest_marker("postgresql") and connection.vendor != "postgresql"]
    if foreign:
        items[:] = [item for item in items if item not in foreign]
        config.hook.pytest_deselected(items=foreign)


@pytest.fixture
def quick_commits(transactional_db: None) -> Iterator[None]:
    """On PostgreSQL, let commits not wait for the disk: where the server isn't killed, nothing depends on it."""
    if connection.vendor != "postgresql":
        yield
        return
    database = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {database} SET synchronous_commit = off")
    yield
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {database} RESET synchronous_commit")
