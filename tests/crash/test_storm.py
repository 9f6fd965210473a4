"""The crash run in its short form: embedded on SQLite, Celery and Valkey on PostgreSQL. The long one: `make crash`."""

import os
import random
import subprocess
import sys

import pytest
from django.db import connection

from tests.crash.aloud import Tell

STAGES = {"sqlite": "embedded", "postgresql": "celery"}
PATIENCE = 280  # s


@pytest.mark.slow
@pytest.mark.django_db
def test_nothing_is_lost_doubled_or_miscounted_whatever_is_killed(tell: Tell) -> None:
    seed = os.environ.get("CRASH_SEED") or str(random.randrange(2**32))
    tell(f"CRASH_SEED={seed}")
    command = [sys.executable, "-m", "tests.crash.storm", "--short", STAGES[connection.vendor]]

    storm = subprocess.run(
        command,
        env=os.environ | {"CRASH_SEED": seed},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert storm.returncode == 0, storm.stdout
    tell(storm.stdout)
