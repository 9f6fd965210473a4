"""manage.py headway_prune: delete the runs whose time is over."""

from argparse import ArgumentParser
from collections import Counter
from typing import Any

from headway.management.base import DatabaseCommand
from headway.management.terminal import demand_tables
from headway.store.upkeep import retention


class Command(DatabaseCommand):
    help = (
        "Deletes the ended runs whose time is over, by their operation's `keep` or HEADWAY['KEEP'], with their "
        "outcomes and uploads. Workers do so by themselves; this is for a backlog, or where no worker runs."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="Only say how many of which would be deleted.")

    def handle(self, *args: Any, **options: Any) -> None:
        demand_tables()
        if options["dry_run"]:
            self.tell()
        else:
            pruned = retention.prune()
            self.stdout.write(f"Deleted {pruned:,} {'run' if pruned == 1 else 'runs'}.")

    def tell(self) -> None:
        counts = Counter(name for runs in retention.over() for name in runs.values_list("operation", flat=True))
        for operation, count in sorted(counts.items()):
            self.stdout.write(f"Would delete {count:,} of {operation}, and those that they retried.")
        if not counts:
            self.stdout.write("There is nothing to delete.")
