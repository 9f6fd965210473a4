"""manage.py headway_cancel ID: end a run."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from headway import runs
from headway.errors import HeadwayError
from headway.management.terminal import demand_tables, find_run


class Command(BaseCommand):
    """Cancels a run; what it has done stays done."""

    help = "Cancels a run. What it has done stays done; what it hasn't reached can be retried."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", metavar="ID", help="A run's id, or as much of its beginning as is its own.")

    def handle(self, *args: Any, **options: Any) -> None:
        demand_tables()
        try:
            run = runs.cancel(find_run(options["run"]))
        except HeadwayError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"Run {run.pk} is {run.state}.")
