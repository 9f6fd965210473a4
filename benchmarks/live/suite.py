"""All figures on the database of the settings. Run by `python -m benchmarks.live`, which prepares the database."""

import platform
import resource
import sys
import time
from collections.abc import Callable, Iterator

import django
from django.core.management import call_command

from benchmarks.suite import database_version
from benchmarks.table import Figure, print_table

from .machine import machine
from .sizes import FULL, QUICK, Size

__all__ = ["main"]

SPARE_FILES = 500  # beside one for each watcher


def main(arguments: list[str]) -> None:
    """Measure what is named, or everything, and print the table. "--quick": just to see that it runs."""
    quick = "--quick" in arguments
    size = QUICK if quick else FULL
    wanted = [name for name in arguments if name != "--quick"]
    allow_files(size.most + SPARE_FILES)
    django.setup()
    call_command("migrate", run_syncdb=True, verbosity=0)
    title = f"{database_version()}, Python {platform.python_version()}, Django {django.get_version()}"
    machine.start()
    figures: list[Figure] = []
    began = time.monotonic()
    known = measures()
    if unknown := sorted(set(wanted) - set(known)):
        sys.exit(f"There is no figure {unknown[0]!r}. There are: {', '.join(known)}.")
    for name, measure in known.items():
        if not wanted or name in wanted:
            for figure in measure(size):
                print(f"{time.monotonic() - began:4.0f} s  {figure.what}: {figure.figure}", file=sys.stderr, flush=True)
                figures.append(figure)
    print_table(f"{title}; {machine.told()}", figures, judged=not quick)


def measures() -> dict[str, Callable[[Size], Iterator[Figure]]]:
    """What can be measured, by name. Imported late: their modules need Django's apps."""
    from .figures import compared, opening, polling, returning, sockets, watching

    return {
        "watching": watching.watching,
        "returning": returning.returning,
        "compared": compared.compared,
        "openings": opening.openings,
        "polls": polling.polls,
        "sockets": sockets.sockets,
    }


def allow_files(wanted: int) -> None:
    """Raise this process's limit of open files, and with it that of those it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < wanted:
        sys.exit(
            f"{wanted:,} files must be open at once, and this account may open {hard:,}. "
            f"Raise the hard limit (`ulimit -Hn {wanted}` as root, or limits.conf), or measure with --quick."
        )
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


if __name__ == "__main__":
    main(sys.argv[1:])
