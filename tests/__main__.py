"""`python -m tests`: the whole suite on SQLite, and what depends on the database on a PostgreSQL of its own.

Both databases' tests run at once, three on each core, since they wait for much of their time: two on SQLite for one on
PostgreSQL, where there are a fourth as many. Those marked `alone` come after them, four on SQLite for three on
PostgreSQL: they measure themselves beside a bare process. Those marked `crowd` come last, one by one: each needs most
of a database's connections. With arguments, which are pytest's, the tests that they choose run one by one.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import IO
from xml.etree import ElementTree

import pytest

from servers.postgres import Postgres

CORES = os.cpu_count() or 1
SIDE_BY_SIDE = ["-q", "-m", "not alone and not crowd", "--dist=worksteal"]
# By file, since those of one share servers; those of LONGEST_FIRST come first.
ALONE = ["-q", "-m", "alone", "--dist=loadfile", "--no-loadscope-reorder"]
LONGEST_FIRST = [
    f"tests/{name}.py" for name in ("production/test_demo_full", "crash/test_kills", "unit/test_live_benchmarks")
]
CROWDS = ["-q", "-m", "crowd"]
REASON = 30  # lines that the end of the suite repeats of each failure
ON_POSTGRESQL = "django_db and not once"
TOLD = {
    "DJANGO_SETTINGS_MODULE": "tests.settings",  # `manage.py test` comes with the example's
    "PYTHONDONTWRITEBYTECODE": "",  # hundreds of processes start, which needn't all compile the same
}


@dataclass(frozen=True)
class Suite:
    """
    The tests on one database: those that `only` chooses, as `-m` has it. Side by side so many run on a core; of those
    that are marked so, `alone` in all.
    """

    database: str
    on_a_core: int
    alone: int
    only: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)  # the tests, each with its reason

    def side_by_side(self) -> list[str]:
        """What chooses the tests that can run so."""
        return [*SIDE_BY_SIDE, f"--numprocesses={self.on_a_core * CORES}"]

    def by_themselves(self) -> list[str]:
        """What chooses those that measure themselves."""
        return [*ALONE, f"--numprocesses={self.alone}"]

    def run(self, arguments: list[str], files: Sequence[str] = (), output: IO[bytes] | None = None) -> int:
        """
        Run pytest on these files, on all without them, and say which database it was: 0 when all passed. It prints into
        `output`, if there is one.
        """
        print(f"\n=== The suite on {self.database}: {' '.join(arguments)} ===", flush=True)
        began = time.monotonic()
        environment = os.environ | TOLD | self.environment
        with tempfile.TemporaryDirectory() as directory:
            report = Path(directory) / "report.xml"
            told = [*limited(arguments, self.only), *files]
            options = [f"--junitxml={report}", "-o", "junit_family=xunit1", "-p", "no:cacheprovider"]
            command = [sys.executable, "-m", "pytest", *options, *told]
            code = subprocess.run(command, env=environment, stdout=output, stderr=output, check=False).returncode
            self.failed.extend(failures(report))
        print(f"=== {self.database}: exit code {code} after {time.monotonic() - began:.0f} s ===", flush=True)
        # That none was chosen is no failure here: what was chosen touches no database.
        return 0 if code == pytest.ExitCode.NO_TESTS_COLLECTED and self.only else code


def failures(report: Path) -> Iterator[str]:
    """The tests that failed, each with the end of its failure, from pytest's report in JUnit's format."""
    for case in ElementTree.parse(report).iter("testcase") if report.exists() else ():
        for failure in [*case.iter("failure"), *case.iter("error")]:
            reason = "\n    ".join((failure.text or "").splitlines()[-REASON:])
            yield f"{case.get('file')}::{case.get('name')}\n    {reason}"


def limited(arguments: list[str], only: str) -> list[str]:
    """These arguments, with the expression of their `-m` narrowed."""
    if not only:
        return arguments
    if "-m" not in arguments:
        return [*arguments, "-m", only]
    at = arguments.index("-m") + 1
    return [*arguments[:at], f"({arguments[at]}) and {only}", *arguments[at + 1 :]]


def marked(mark: str) -> list[str]:
    """The files that name this mark: the others needn't be collected for it, since conftest.py refuses it there."""
    files = {str(file) for file in Path("tests").rglob("test_*.py") if f"mark.{mark}" in file.read_text()}
    return sorted(files, key=lambda file: (file not in LONGEST_FIRST, file))


def at_once(suites: Sequence[Suite], arguments: Sequence[list[str]], files: Sequence[str] = ()) -> list[int]:
    """The exit code of each, run at the same time; what the later ones print comes after the first one's."""
    with tempfile.TemporaryFile() as output, ThreadPoolExecutor() as threads:
        outputs = [None, *(output for _ in suites[1:])]
        runs = [threads.submit(suite.run, *told) for suite, *told in zip(suites, arguments, repeat(files), outputs)]
        codes = [each.result() for each in runs]
        output.seek(0)
        print(output.read().decode(errors="replace"), flush=True)
    return codes


def main() -> int:
    """0 when both suites passed. What failed is told once more at the end, where nobody has to search for it."""
    arguments = sys.argv[1:]
    with Postgres() as server:
        suites = [Suite("SQLite", 2, 4), Suite("PostgreSQL", 1, 3, ON_POSTGRESQL, {"TEST_DATABASE_URL": server.url})]
        if arguments:
            codes = [suite.run(arguments) for suite in suites]
        else:
            codes = at_once(suites, [suite.side_by_side() for suite in suites])
            codes += at_once(suites, [suite.by_themselves() for suite in suites], marked("alone"))
            codes += at_once(suites, [CROWDS, CROWDS], marked("crowd"))
    for suite in suites:
        for test in suite.failed:
            print(f"Failed on {suite.database}: {test}", flush=True)
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
