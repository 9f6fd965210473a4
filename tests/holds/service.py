"""A service: a database of its own, many runs that write on the shelf, and a worker.

`python -m tests.holds.service SHELF RUNS`, with the settings of `tests.workers.environment`.
"""

import sys

import django
from django.core.management import call_command

RUNS_ITEMS, ITEM_SECONDS = 12, 0.02


def main(shelf: str, count: str) -> None:
    django.setup()
    from headway import runs

    for _ in range(int(count)):
        runs.start("tests.write_on_shelf", {"shelf": shelf, "items": RUNS_ITEMS, "seconds": ITEM_SECONDS})
    call_command("headway_worker", processes=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
