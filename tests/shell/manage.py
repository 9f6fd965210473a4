"""manage.py in a process of its own: on the test's database, or on one of the caller's choice."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from tests.forked import Process, start, start_fresh
from tests.workers import environment

__all__ = ["Said", "manage", "on_sqlite", "run", "without_traceback"]

Said = subprocess.CompletedProcess[str]
PATIENCE = 60  # s: far more than any of these commands takes


def manage(*arguments: Any, env: dict[str, str] | None = None) -> Said:
    """The command, run to its end."""
    env = env or environment()
    begin = start if env["DJANGO_SETTINGS_MODULE"] == "tests.settings" else start_fresh
    return run(["manage.py", *map(str, arguments)], env, begin)


def run(command: list[str], env: dict[str, str], begin: Callable[..., Process] = start_fresh) -> Said:
    """What Python has said to its end with these arguments, in an environment that is this and no more."""
    with TemporaryFile("w+") as out, TemporaryFile("w+") as err:
        code = begin(command, env, out, err).wait(PATIENCE)
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
