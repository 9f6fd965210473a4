"""All figures on the database of the settings. Run by `python -m benchmarks`, which prepares the database."""

import platform
import sys
import time
from collections.abc import Callable, Iterator

import django
from django.core.management import call_command
from django.db import connection

from .sizes import FULL, QUICK, Size
from .table import Figure, print_table

__all__ = ["main"]


def main(arguments: list[str]) -> None:
    """Measure what is named, or everything, and print the table. "--quick": just to see that it runs."""
    quick = "--quick" in arguments
    wanted = [name for name in arguments if name != "--quick"]
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    title = f"{database_version()}, Python {platform.python_version()}, Django {django.get_version()}"
    figures: list[Figure] = []
    known = measures()
    if unknown := sorted(set(wanted) - set(known)):
        sys.exit(f"There is no figure {unknown[0]!r}. There are: {', '.join(known)}.")
    for name, measure in known.items():
        if not wanted or name in wanted:
            began = time.monotonic()
            figures += measure(QUICK if quick else FULL)
            print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
    print_table(title, figures, judged=not quick)


def measures() -> dict[str, Callable[[Size], Iterator[Figure]]]:
    """What can be measured, by name. Imported late: their modules need Django's apps."""
    from .figures import (
        airports,
        bystanders,
        fairness,
        idle,
        latency,
        many_runs,
        moves,
        pure_work,
        rates,
        sets,
        updates,
    )

    return {
        "short-items": pure_work.short_items,
        "long-items": pure_work.long_items,
        "idle-items": idle.idle_items,
        "updates": updates.updates,
        "airports": airports.airports,
        "sets": sets.sets,
        "checkpoint": moves.checkpoint,
        "claim": moves.claim,
        "start": moves.start,
        "first-item": latency.first_item,
        "first-item-elsewhere": latency.first_item_elsewhere,
        "choosing": many_runs.choosing,
        "many-runs": many_runs.many_runs,
        "fairness": fairness.fairness,
        "bystanders": bystanders.bystanders,
        "rate": rates.rates,
    }


def database_version() -> str:
    """What the database calls itself."""
    query = "SELECT sqlite_version()" if connection.vendor == "sqlite" else "SHOW server_version"
    with connection.cursor() as cursor:
        cursor.execute(query)
        return f"{connection.display_name} {cursor.fetchone()[0]}"


if __name__ == "__main__":
    main(sys.argv[1:])
