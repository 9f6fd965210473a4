"""Measures live delivery on a SQLite file, then on a durable PostgreSQL of its own, and removes both."""

import argparse
import os
import subprocess
import sys
import tempfile

from example.servers.postgres import Postgres

DATABASES = ("sqlite", "postgresql")
FIGURES: dict[str, list[str]] = {
    "sqlite": ["watching", "compared", "openings", "polls", "sockets"],
    "postgresql": ["watching", "returning", "compared", "openings"],
}  # so much that all of it takes less than ten minutes


def main() -> int:
    """0 when everything could be measured; a missed goal is told by the table alone, since machines differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.live", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fraction of everything, only to see that it runs")
    parser.add_argument("--database", choices=DATABASES, help="only this one; --quick takes sqlite")
    parser.add_argument(
        "figures",
        nargs="*",
        metavar="FIGURE",
        help="only these, such as watching",
    )
    chosen = parser.parse_args()
    database = chosen.database or ("sqlite" if chosen.quick else None)
    quick = ["--quick"] if chosen.quick else []
    return max(
        measure_on(name, [*quick, *(chosen.figures or FIGURES[name])]) for name in DATABASES if database in (None, name)
    )


def measure_on(database: str, arguments: list[str]) -> int:
    """The suite's exit code, in a process and a directory of its own."""
    command = [sys.executable, "-m", "benchmarks.live.suite", *arguments]
    with tempfile.TemporaryDirectory(prefix="headway-benchmarks-") as scratch:
        environment = os.environ | {"DJANGO_SETTINGS_MODULE": "benchmarks.live.settings", "DATA_DIR": scratch}
        if database == "sqlite":
            environment.pop("DATABASE_URL", None)
            return subprocess.run(command, env=environment, check=False).returncode
        with Postgres(durable=True) as server:
            environment["DATABASE_URL"] = server.url
            return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
