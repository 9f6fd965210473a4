"""What the crash tests share.

A test marked `postgresql` is about that database alone: on another one it is deselected, and the summary counts it.
"""

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
