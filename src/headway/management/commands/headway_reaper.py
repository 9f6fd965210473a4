"""manage.py headway_reaper: ring for what is due and no worker was told of, and start what schedules ask for."""

import random
import signal
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import CommandError
from django.db import connections

from headway.conf import conf
from headway.engines import queues
from headway.engines.process import look
from headway.management.base import DatabaseCommand
from headway.management.terminal import demand_tables
from headway.runs.ticks import Timetable
from headway.store.upkeep import tidying

LOOK_EVERY = 1.0  # s
TIDY_EVERY = 5.0  # s


class Command(DatabaseCommand):
    """Stands beside workers of Django's tasks, which know nothing of a part whose owner was killed."""

    help = (
        "Rings every second for what is due, until it is stopped: its worker was killed, its doorbell was lost, its "
        "time has come. To run once, beside the workers of Django's tasks."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="Look once and end, such as from cron.")

    def handle(self, *args: Any, **options: Any) -> None:
        if conf().engine != "django_tasks":
            raise CommandError(
                f'HEADWAY["ENGINE"] is {conf().engine!r}, whose workers see to what is due themselves; this command is '
                'for "django_tasks".'
            )
        demand_tables()
        if options["once"]:
            tidying.tidy()
            try:
                Timetable().look()
            finally:  # one operation's form, maybe, meets a fault of the database: others are rung for
                queues.reap(queues.every())
            return
        try:
            for number in (signal.SIGINT, signal.SIGTERM):  # SIGINT too: a shell's background ignores it otherwise
                signal.signal(number, signal.default_int_handler)
            if options["verbosity"]:
                self.stdout.write("Headway's reaper rings for what is due. Ctrl-C stops it.")
                self.stdout.flush()
            self.stay()
        except KeyboardInterrupt:
            connections.close_all()

    def stay(self) -> None:
        """Look every second; what fails is tried again with the next."""
        tidied, timetable = float("-inf"), Timetable()
        while True:
            try:
                look(timetable, "headway_reaper")
                queues.reap(queues.every())
                if time.monotonic() - tidied > TIDY_EVERY:
                    tidying.tidy()
                    tidied = time.monotonic()
            except Exception as error:  # noqa: BLE001  (of the database, or whatever the project's backend raises)
                self.stderr.write(f"No worker could be rung ({error}). Trying again.")
                connections.close_all()
            time.sleep(LOOK_EVERY * random.uniform(0.7, 1.0))
