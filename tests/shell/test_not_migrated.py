"""On a database without Headway's tables, everything says so and what to run."""

import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from .manage import manage, on_sqlite, without_traceback

SAID = "Headway's tables are missing or out of date. Run `python manage.py migrate` and try again."


@pytest.mark.parametrize(
    "command",
    [
        ["headway_worker"],
        ["headway_run", "airports.import_airports"],
        ["headway_status"],
        ["headway_cancel", "0198f3c2"],
    ],
    ids=lambda command: command[0],
)
def test_a_command_says_what_to_run(tmp_path: Path, command: list[str]) -> None:
    said = without_traceback(manage(*command, env=on_sqlite(tmp_path / "empty.sqlite3")))
    assert said == f"CommandError: {SAID}\n"


def test_a_start_from_code_says_the_same(tmp_path: Path) -> None:
    code = "import django; django.setup(); from headway import runs; runs.start('tests.write_ledger')"
    said = subprocess.run(
        [sys.executable, "-c", code],
        env=on_sqlite(tmp_path / "empty.sqlite3"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert said.stderr.endswith(f"headway.errors.NotMigrated: {SAID}\n")


@pytest.mark.parametrize("processes", ["0", "-1", "257"])
def test_a_worker_of_no_processes_is_refused(processes: str) -> None:
    with pytest.raises(CommandError) as raised:
        call_command("headway_worker", processes=int(processes))
    assert str(raised.value) == f"--processes is {processes}; it must be from 1 to 256."
