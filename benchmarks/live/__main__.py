"""Measures live delivery on a SQLite file, then on a durable PostgreSQL of its own, and removes both."""

import argparse
import sys

from benchmarks.launch import DATABASES, Suite

SUITE = Suite("benchmarks.live.suite", "benchmarks.live.settings", "DATA_DIR", "DATABASE_URL")
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
        SUITE.measure_on(name, [*quick, *(chosen.figures or FIGURES[name])])
        for name in DATABASES
        if database in (None, name)
    )


if __name__ == "__main__":
    sys.exit(main())
