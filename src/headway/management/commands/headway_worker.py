"""manage.py headway_worker: work on what is due, until asked to stop."""

import os
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from headway.engines.embedded.supervisor import Supervisor
from headway.management.terminal import demand_tables


class Command(BaseCommand):
    """Starts the embedded engine."""

    help = (
        "Works on runs until it is stopped. SIGTERM or Ctrl-C: finish the item in hand and hand over; twice: at once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--processes", type=int, default=1, help="How many worker processes (default: 1).")

    def handle(self, *args: Any, **options: Any) -> None:
        processes = options["processes"]
        if not 1 <= processes <= 256:
            raise CommandError(f"--processes is {processes}; it must be from 1 to 256.")
        if not hasattr(os, "fork"):
            raise CommandError("The embedded worker needs a system that can fork (Linux, macOS, BSD, WSL).")
        demand_tables()
        if options["verbosity"]:
            many = "one process" if processes == 1 else f"{processes} processes"
            self.stdout.write(f"Headway's worker is ready ({many}). Ctrl-C stops it.")
            self.stdout.flush()
        Supervisor(processes).run()
