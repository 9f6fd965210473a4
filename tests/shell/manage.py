"""manage.py in a process of its own: on the test's database, or on one of the caller's choice."""

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from tests.forked import start
from tests.workers import environment

__all__ = ["Said", "manage", "on_sqlite", "without_traceback"]

Said = subprocess.CompletedProcess[str]
PATIENCE = 60  # s: far more than any of these commands takes


def manage(*arguments: Any, env: dict[str, str] | None = None) -> Said:
    """The command, run to its end."""
    command = ["manage.py", *map(str, arguments)]
    env = env or environment()
    if env["DJANGO_SETTINGS_MODULE"] == "tests.settings":
        return run(command, env)
    return subprocess.run(
        [sys.executable, *command], env=env, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def run(command: list[str], env: dict[str, str]) -> Said:
    """With the tests' settings, where many commands begin alike."""
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        code = start(command, env, out, err).wait(PATIENCE)
        return subprocess.CompletedProcess(command, code, text_of(out), text_of(err))


def text_of(file: IO[str]) -> str:
    file.seek(0)
    return file.read()


def on_sqlite(file: Path, settings: str = "tests.settings", **more: str) -> dict[str, str]:
    """The environment for a SQLite file of one's own, migrated or not."""
    own = {"DJANGO_SETTINGS_MODULE": settings, "TEST_DATABASE_NAME": str(file), "PYTHONPATH": os.getcwd()}
    return {name: value for name, value in os.environ.items() if name != "TEST_DATABASE_URL"} | own | more


def without_traceback(said: Said) -> str:
    """What a failed command told its user on the error stream: a sentence, never a traceback."""
    assert said.returncode == 1, said
    assert "Traceback" not in said.stderr, said.stderr
    return said.stderr
