"""`python -m tests`: the whole suite on SQLite, then what depends on the database on a PostgreSQL of its own.

On each database several tests run side by side, since most of their time they wait; those marked `alone` come after
them, one by one. With arguments, which are pytest's, the tests that they choose run one by one.
"""

import os
import subprocess
import sys
import time

import pytest

from example.servers.postgres import Postgres

SIDE_BY_SIDE = ["-q", "-m", "not alone", "--dist=worksteal", f"--numprocesses={4 * (os.cpu_count() or 1)}"]
ALONE = ["-q", "-m", "alone"]
ON_POSTGRESQL = "django_db and not once"


def suite(database: str, arguments: list[str], only: str = "", **environment: str) -> int:
    """The tests on this database, of which `only` are chosen, an expression of pytest's; 0 when every one passed."""
    runs = [arguments] if arguments else [SIDE_BY_SIDE, ALONE]
    return max(run(database, limited(arguments, only), environment) for arguments in runs)


def limited(arguments: list[str], only: str) -> list[str]:
    """These arguments, with the expression of their `-m` narrowed."""
    if not only:
        return arguments
    if "-m" not in arguments:
        return [*arguments, "-m", only]
    at = arguments.index("-m") + 1
    return [*arguments[:at], f"({arguments[at]}) and {only}", *arguments[at + 1 :]]


def run(database: str, arguments: list[str], environment: dict[str, str]) -> int:
    """Run pytest, and say which database it was. No test to run is no failure: what was chosen touches no database."""
    print(f"\n=== The suite on {database}: {' '.join(arguments)} ===", flush=True)
    began = time.monotonic()
    told = {
        "DJANGO_SETTINGS_MODULE": "tests.settings",  # `manage.py test` comes with the example's
        "PYTHONDONTWRITEBYTECODE": "",  # hundreds of processes start, which needn't all compile the same
    }
    command = [sys.executable, "-m", "pytest", *arguments]
    code = subprocess.run(command, env=os.environ | told | environment, check=False).returncode
    print(f"=== {database}: exit code {code} after {time.monotonic() - began:.0f} s ===", flush=True)
    return 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED and database != "SQLite" else code


def main() -> int:
    """0 when both suites passed."""
    arguments = sys.argv[1:]
    sqlite = suite("SQLite", arguments)
    with Postgres() as server:
        postgres = suite("PostgreSQL", arguments, ON_POSTGRESQL, TEST_DATABASE_URL=server.url)
    return sqlite or postgres


if __name__ == "__main__":
    sys.exit(main())
