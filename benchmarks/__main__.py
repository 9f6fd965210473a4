"""Measures on a SQLite file, then on a durable PostgreSQL of its own, and removes both."""

import argparse
import os
import sys
from contextlib import ExitStack

from benchmarks.launch import DATABASES, Suite
from servers.valkey import Valkey

ENGINES = ("embedded", "celery")
SUITE = Suite("benchmarks.suite", "benchmarks.settings", "BENCHMARK_SCRATCH", "BENCHMARK_DATABASE_URL")


def main() -> int:
    """0 when everything could be measured; a missed goal is told by the table alone, since machines differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fraction of everything, only to see that it runs")
    parser.add_argument("--database", choices=DATABASES, help="only this one")
    parser.add_argument("--engine", choices=ENGINES, default=ENGINES[0], help="for the figures that have real workers")
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help="only these, such as short-items or updates")
    chosen = parser.parse_args()
    arguments = [*(["--quick"] if chosen.quick else []), *chosen.figures]
    with ExitStack() as running:
        os.environ["BENCHMARK_ENGINE"] = chosen.engine
        if chosen.engine == "celery":
            os.environ["CELERY_BROKER_URL"] = running.enter_context(Valkey()).url
        codes = [SUITE.measure_on(name, arguments) for name in DATABASES if chosen.database in (None, name)]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
