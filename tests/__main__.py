"""`python -m tests`: the whole suite on SQLite, then what depends on the database on a PostgreSQL of its own."""

import os
import subprocess
import sys
import time

import pytest

from example.servers.postgres import Postgres


def suite(name: str, arguments: list[str], **environment: str) -> int:
    """Run pytest, and say which database it was."""
    print(f"\n=== The suite on {name} ===", flush=True)
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", *arguments]
    environment["DJANGO_SETTINGS_MODULE"] = "tests.settings"  # `manage.py test` comes with the example's
    code = subprocess.run(command, env=os.environ | environment, check=False).returncode
    print(f"=== {name}: exit code {code} after {time.monotonic() - began:.0f} s ===", flush=True)
    return code


def main() -> int:
    """0 when both suites passed."""
    arguments = sys.argv[1:]
    sqlite = suite("SQLite", arguments)
    with Postgres() as server:
        postgres = suite("PostgreSQL", [*arguments, "-m", "django_db and not once"], TEST_DATABASE_URL=server.url)
    if arguments and postgres == pytest.ExitCode.NO_TESTS_COLLECTED:
        postgres = 0  # what was asked for touches no database
    return sqlite or postgres


if __name__ == "__main__":
    sys.exit(main())
