"""What starts by itself, in the processes of a test that says when: TEST_SCHEDULE, and TEST_MISSED."""

import os

from headway import Operation

from .models import LedgerEntry
from .sources import Numbers


class ByTheClock(Operation):
    """Each tick has a run of its own, of one item."""

    name = "tests.by_the_clock"
    on_conflict = "allow"
    schedule = os.environ.get("TEST_SCHEDULE")
    if schedule:
        missed = os.environ.get("TEST_MISSED", "once")

    def items(self) -> Numbers:
        return Numbers(1)

    def process(self, number: int) -> None:
        LedgerEntry.objects.create(run=self.run.id, item=str(number))
