"""What all tests share: the suite's database is a real one, and other processes can attach to it."""

from collections.abc import Iterator

import pytest

from tests.workers import Workers


@pytest.fixture
def workers(transactional_db: None) -> Iterator[Workers]:
    """Starts real worker processes on the test's database, and ends them with the test."""
    with Workers() as started:
        yield started
