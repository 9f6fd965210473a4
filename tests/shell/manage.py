"""manage.py in a process of its own: on the test's database, or on one of the caller's choice."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.workers import environment

__all__ = ["Said", "manage", "on_sqlite", "without_traceback"]

Said = subprocess.CompletedProcess[str]
PATIENCE = 60  # s: far more than any of these commands takes


def manage(*arguments: Any, env: dict[str, str] | None = None) -> Said:
    """The command, run to its end."""
    return subprocess.run(
        [sys.executable, "manage.py", *map(str, arguments)],
        env=environment() if env is None else env,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def on_sqlite(file: Path, settings: str = "tests.settings", **more: str) -> dict[str, str]:
    """The environment for a SQLite file of one's own, migrated or not."""
    own = {"DJANGO_SETTINGS_MODULE": settings, "TEST_DATABASE_NAME": str(file), "PYTHONPATH": os.getcwd()}
    return {name: value for name, value in os.environ.items() if name != "TEST_DATABASE_URL"} | own | more


def without_traceback(said: Said) -> str:
    """What a failed command told its user on the error stream: a sentence, never a traceback."""
    assert said.returncode == 1, said
    assert "Traceback" not in said.stderr, said.stderr
    return said.stderr
