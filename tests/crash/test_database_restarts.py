"""A PostgreSQL that crashes under its workers: a server of the test's own, restarted without a checkpoint."""

import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from example.databases import database
from headway import runs
from headway.models import ItemOutcome
from servers.postgres import Postgres
from tests.crash.aloud import Tell
from tests.crash.scene import entries, part_of, processed
from tests.workers import Workers, environment, until, wait_for_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

RESTARTS = 2
ITEMS = 4_000
REJECTED = range(0, ITEMS, 100)


@pytest.fixture
def server(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Postgres]:
    """A migrated server of the test's own, which this process and all that it starts use for the default database."""
    suites = connection.settings_dict
    with Postgres(durable=True) as server:
        connection.close()
        connection.settings_dict = suites | database(server.url, default=Path())
        monkeypatch.setenv("TEST_DATABASE_URL", server.url)
        try:
            migrate = [sys.executable, "manage.py", "migrate", "--run-syncdb", "--verbosity=0"]
            subprocess.run(migrate, env=environment(), check=True)
            yield server
        finally:
            connection.close()
            connection.settings_dict = suites


def test_a_run_survives_crashes_of_its_database(server: Postgres, dice: random.Random, tell: Tell) -> None:
    with Workers() as workers:
        workers.start()
        run = runs.start("tests.write_ledger", {"items": ITEMS, "work_us": 300, "reject": numbers(REJECTED)}).run
        slowest = 0.0
        for _ in range(RESTARTS):
            enough = processed(run) + dice.randint(1, 1_000)
            until(lambda enough=enough: processed(run) >= enough)  # type: ignore[misc]
            server.restart_immediately()
            connection.close()  # ours is as dead as all others
            before = processed(run)
            slowest = max(slowest, until(lambda before=before: processed(run) > before))  # type: ignore[misc]
        ended = wait_for_end(run.pk)

        tell(f"{RESTARTS} crashes of the database; work went on {slowest:.2f} s after it was back, at the slowest")
        assert ended.state == "partial"
        part = part_of(run)
        assert (part.succeeded, part.failed) == (ITEMS - len(REJECTED), len(REJECTED))
        assert entries(run.pk) == {str(number): 1 for number in range(ITEMS) if number not in REJECTED}
        assert {int(key) for key in ItemOutcome.objects.values_list("key", flat=True)} == set(REJECTED)


def numbers(wanted: range) -> str:
    return ",".join(map(str, wanted))
