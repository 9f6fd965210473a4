"""manage.py headway_sweep: delete stored uploads that no run names."""

from argparse import ArgumentParser
from typing import Any

from django.core.files.storage import default_storage
from django.core.management.base import CommandError

from headway.management.base import DatabaseCommand
from headway.management.terminal import demand_tables
from headway.store.upkeep import strays


class Command(DatabaseCommand):
    help = (
        "Deletes uploads older than a day that no run of this database was started with, such as those of starts whose "
        "transaction was rolled back. Not where another database's runs have their files in the same storage."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only say what would be deleted.")

    def handle(self, *args: Any, **options: Any) -> None:
        demand_tables()
        try:
            if options["dry_run"]:
                self.tell()
                return
            for name in strays.find():
                default_storage.delete(name)
                self.stdout.write(f"Deleted {name}.")
        except NotImplementedError as error:
            raise CommandError("The default storage can't be listed, so its strays can't be found.") from error

    def tell(self) -> None:
        found = list(strays.find())
        for name in found:
            self.stdout.write(f"Would delete {name}.")
        if not found:
            self.stdout.write("There is nothing to delete.")
