"""`python -m tests`: the whole suite on SQLite, and what depends on the database on a PostgreSQL of its own.

On each database several tests run side by side, since most of their time they wait. Those marked `alone` come after
them, three at a time on each database, and both databases' at once: they measure themselves beside a bare process, and
mostly wait. Those marked `crowd` come last, one by one: each needs most of a database's connections. With arguments,
which are pytest's, the tests that they choose run one by one.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import pytest

from servers.postgres import Postgres

SIDE_BY_SIDE = [
    "-q",
    "-m",
    "not alone and not crowd",
    "--dist=worksteal",
    f"--numprocesses={3 * (os.cpu_count() or 1)}",
]
ALONE = ["-q", "-m", "alone", "--dist=loadfile", "--numprocesses=3"]  # by file: those of one share servers
CROWDS = ["-q", "-m", "crowd"]
ON_POSTGRESQL = "django_db and not once"
TOLD = {
    "DJANGO_SETTINGS_MODULE": "tests.settings",  # `manage.py test` comes with the example's
    "PYTHONDONTWRITEBYTECODE": "",  # hundreds of processes start, which needn't all compile the same
}


@dataclass(frozen=True)
class Suite:
    """The tests on one database, of which `only` are chosen, an expression of pytest's."""

    database: str
    only: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)  # the names of tests

    def run(self, arguments: list[str], output: IO[bytes] | None = None) -> int:
        """Run pytest, and say which database it was: 0 when all passed. It prints into `output`, if there is one."""
        print(f"\n=== The suite on {self.database}: {' '.join(arguments)} ===", flush=True)
        began = time.monotonic()
        environment = os.environ | TOLD | self.environment
        with tempfile.TemporaryDirectory() as cache:
            command = [sys.executable, "-m", "pytest", "-o", f"cache_dir={cache}", *limited(arguments, self.only)]
            code = subprocess.run(command, env=environment, stdout=output, stderr=output, check=False).returncode
            self.failed.extend(last_failed(Path(cache)))
        print(f"=== {self.database}: exit code {code} after {time.monotonic() - began:.0f} s ===", flush=True)
        # That none was chosen is no failure here: what was chosen touches no database.
        return 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED and self.only else code


def last_failed(cache: Path) -> list[str]:
    """The tests of which pytest's cache says that they failed."""
    said = cache / "v" / "cache" / "lastfailed"
    return list(json.loads(said.read_text())) if said.exists() else []


def limited(arguments: list[str], only: str) -> list[str]:
    """These arguments, with the expression of their `-m` narrowed."""
    if not only:
        return arguments
    if "-m" not in arguments:
        return [*arguments, "-m", only]
    at = arguments.index("-m") + 1
    return [*arguments[:at], f"({arguments[at]}) and {only}", *arguments[at + 1 :]]


def at_once(suites: Sequence[Suite], arguments: list[str]) -> list[int]:
    """The exit code of each, run at the same time; what the later ones print comes after the first one's."""
    first, *others = suites
    with tempfile.TemporaryFile() as output, ThreadPoolExecutor() as threads:
        later = [threads.submit(suite.run, arguments, output) for suite in others]
        codes = [first.run(arguments), *(each.result() for each in later)]
        output.seek(0)
        print(output.read().decode(errors="replace"), flush=True)
    return codes


def main() -> int:
    """0 when both suites passed. What failed is named once more at the end, where nobody has to search for it."""
    arguments = sys.argv[1:]
    with Postgres() as server:
        suites = [Suite("SQLite"), Suite("PostgreSQL", ON_POSTGRESQL, {"TEST_DATABASE_URL": server.url})]
        if arguments:
            codes = [suite.run(arguments) for suite in suites]
        else:
            codes = [*(suite.run(SIDE_BY_SIDE) for suite in suites), *at_once(suites, ALONE), *at_once(suites, CROWDS)]
    for suite in suites:
        for test in suite.failed:
            print(f"Failed on {suite.database}: {test}", flush=True)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
