"""What the commands have in common that ask something of one run."""

from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from headway.errors import HeadwayError
from headway.management.terminal import demand_tables, find_run
from headway.models import Run


class SteeringCommand(BaseCommand):
    """Finds the run, asks, and says what came of it."""

    steer: Callable[[Run], Run]

    def ask(self, run: Run) -> str:
        """The sentence to print, once the run has been asked."""
        return f"Run {run.pk} is {self.steer(run).state}."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("run", metavar="ID", help="A run's id, or as much of its beginning as is its own.")

    def handle(self, *args: Any, **options: Any) -> None:
        demand_tables()
        run = find_run(options["run"])
        try:
            self.stdout.write(self.ask(run))
        except HeadwayError as error:
            raise CommandError(str(error)) from error
