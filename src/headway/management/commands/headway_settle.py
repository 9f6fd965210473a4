"""manage.py headway_settle ID --went-out | --not-sent: say what became of items in doubt."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from headway import runs
from headway.management.base import SteeringCommand
from headway.models import Run
from headway.store.parts import flights


class Command(SteeringCommand):
    help = "Says of a run's items in doubt whether they went out. Those that did not are done again by a retry."

    def add_arguments(self, parser: ArgumentParser) -> None:
        super().add_arguments(parser)
        found = parser.add_mutually_exclusive_group(required=True)
        found.add_argument("--went-out", action="store_true", dest="went_out", help="They went out.")
        found.add_argument("--not-sent", action="store_false", dest="went_out", help="They did not.")
        parser.add_argument("--key", action="append", dest="keys", help="Of this item alone; may be given often.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.went_out, self.keys = options["went_out"], options["keys"]
        super().handle(*args, **options)

    def ask(self, run: Run) -> str:
        if wrong := self.not_in_doubt(run):
            raise CommandError(f"Run {run.pk} has no item in doubt with the key {wrong}. Nothing was settled.")
        told = runs.settle(run, went_out=self.went_out, keys=self.keys)
        items, they_are = ("item was", "It is") if told == 1 else ("items were", "They are")
        again = "" if self.went_out or not told else f" {they_are} done again by: manage.py headway_retry {run.pk}"
        return f"{told:,} {items} settled as {'gone out' if self.went_out else 'not sent'}.{again}"

    def not_in_doubt(self, run: Run) -> str:
        """Those of the given keys of which no item is in doubt."""
        wanted = set(self.keys or ())
        return ", ".join(map(repr, sorted(wanted.difference(item.key for item in flights.in_doubt(run.pk, wanted)))))
