"""manage.py headway_worker: work on what is due, until asked to stop."""

import atexit
import logging
import multiprocessing
import os
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.core.management.base import CommandError
from django.utils import autoreload

from headway.database import close_before_fork
from headway.engines import queues
from headway.engines.embedded.supervisor import Supervisor
from headway.engines.process import Stop
from headway.management.base import DatabaseCommand
from headway.management.terminal import demand_tables


class Command(DatabaseCommand):
    help = (
        "Works on runs until it is stopped. SIGTERM or Ctrl-C: finish the item in hand and hand over; twice: at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--processes", type=int, default=1, help="How many worker processes (default: 1).")
        parser.add_argument(
            "--queue",
            action="append",
            default=[],
            metavar="NAME",
            dest="queue_names",
            help="Work only on operations of this queue (may be given more than once; default: all of them).",
        )
        how_long = parser.add_mutually_exclusive_group()
        how_long.add_argument(
            "--once",
            action="store_true",
            help="Work until nothing is due, then end: for cron, or a test. What is due later isn't waited for.",
        )
        how_long.add_argument(
            "--reload",
            action="store_true",
            help="For development: begin anew, behind the item in hand, whenever the project's code has changed.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        processes = options["processes"]
        if not 1 <= processes <= 256:
            raise CommandError(f"--processes is {processes}; it must be from 1 to 256.")
        if not hasattr(os, "fork"):
            raise CommandError("The embedded worker needs a system that can fork (Linux, macOS, BSD, WSL).")
        known, chosen = queues.every(), options["queue_names"]
        if unknown := [name for name in chosen if name not in known]:
            raise CommandError(f"No operation has the queue {unknown[0]!r}. There are: {', '.join(known)}.")
        demand_tables()
        only_watches = options["reload"] and not is_reloaded()
        if options["verbosity"] and not only_watches:
            many = "one process" if processes == 1 else f"{processes} processes"
            self.stdout.write(f"Headway's worker is ready ({many}). Ctrl-C stops it.")
            self.stdout.flush()
            tell_of_runs()
        if options["reload"]:
            work_and_reload(processes, chosen)
        else:
            Supervisor(processes, chosen, options["once"]).run()


def tell_of_runs() -> None:
    """Let the terminal show when runs begin and end, unless the project's LOGGING says where log lines go."""
    logger = logging.getLogger("headway")
    if not logger.hasHandlers():
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)


def is_reloaded() -> bool:
    """Whether this is the process that the autoreloader starts, and begins anew."""
    return os.environ.get(autoreload.DJANGO_AUTORELOAD_ENV) == "true"


def work_and_reload(processes: int, queue_names: Sequence[str]) -> None:
    """Work until asked to stop; whenever a file has changed, the worker ends behind its item and begins anew.

    Django's autoreloader needs a process's main thread, and so does the supervisor: it is a child of the process that
    watches the files, and stops when that one is gone.
    """
    stop = Stop()
    fork = multiprocessing.get_context("fork")
    worker = fork.Process(target=lambda: Supervisor(processes, queue_names).run(stop.is_wanted))

    def end() -> None:
        """Let the worker hand over, and wait for it. No signal: after a Ctrl-C that would be its second."""
        stop.ask()
        worker.join()

    if is_reloaded():
        close_before_fork()
        worker.start()  # before the autoreloader has its threads
        atexit.register(end)
    autoreload.run_with_reloader(worker.join)
