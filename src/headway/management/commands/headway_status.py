"""manage.py headway_status: the runs, or one of them."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError

from headway.management.base import PrintingCommand
from headway.management.terminal import demand_tables, describe, draw, find_run, no_worker, watch
from headway.models import Run
from headway.snapshots import snapshot
from headway.states import TERMINAL
from headway.store.parts import workers


class Command(PrintingCommand):
    help = "Shows the live and the newest runs; with an id, one of them; with --watch, until it ends."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "run", nargs="?", metavar="ID", help="A run's id, or as much of its beginning as is its own."
        )
        parser.add_argument("--watch", action="store_true", help="Follow the run to its end.")
        parser.add_argument("--limit", type=int, default=20, help="How many runs to list (default: 20).")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["limit"] < 1:
            raise CommandError(f"--limit is {options['limit']}; it must be 1 or more.")
        demand_tables()
        if options["run"] is None:
            self.list(options["limit"])
            return
        run = find_run(options["run"])
        if options["watch"]:
            try:
                watch(run.pk, self.stdout)
            except KeyboardInterrupt:
                self.stdout.write("\nThe run goes on.")
                return
        describe(snapshot(run.pk), self.stdout)

    def list(self, limit: int) -> None:
        """The live runs and the newest of the others, a line each."""
        there = workers.alive()
        if there:
            self.stdout.write(f"{there} worker{'' if there == 1 else 's'} heard of in the last 30 seconds.")
        else:
            self.stdout.write(no_worker())
        live = list(Run.objects.exclude(state__in=sorted(TERMINAL))[:limit])
        ended = list(Run.objects.filter(state__in=sorted(TERMINAL))[: max(0, limit - len(live))])
        for run in [*live, *ended]:
            self.stdout.write(f"{run.pk}  {draw(snapshot(run.pk), width=120)}")
        if not live and not ended:
            self.stdout.write("There are no runs yet. Start one: manage.py headway_run NAME --watch")
