"""What Headway's commands are: each says that the database can't answer, some print much, some steer one run."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from headway.database import is_lost, is_transient
from headway.errors import HeadwayError
from headway.models import Run

from .terminal import demand_tables, find_run


class DatabaseCommand(BaseCommand):
    """The base of all: a database that is away, or refuses to be asked just now, is told in a sentence."""

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Raises CommandError."""
        try:
            return super().execute(*args, **options)
        except Error as error:
            if not (is_lost(error) or is_transient(error)):
                raise
            said = " ".join(str(error).split())  # a driver's error may have several lines
            raise CommandError(f"The database can't answer. See to it, and to DATABASES. It says: {said}") from error


class PrintingCommand(DatabaseCommand):
    """The base of the commands that print much: `| head` ends them without a traceback."""

    def run_from_argv(self, argv: list[str]) -> None:
        try:
            super().run_from_argv(argv)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more as it ends
            sys.exit(1)


class SteeringCommand(DatabaseCommand):
    """The base of the commands that ask something of one run: finds it, asks, and says what came of it."""

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
