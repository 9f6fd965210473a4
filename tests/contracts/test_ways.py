"""A way through a chunk is a class and its line in WAYS."""

from itertools import islice
from typing import Any

import pytest

from headway.operations.base import Operation
from headway.runner.tally import Entries, Tally
from headway.runner.ways import WAYS, Way
from tests.app.driving import after_items, claim, drive, start, work
from tests.app.ledger import WriteLedger
from tests.app.models import LedgerEntry

pytestmark = pytest.mark.django_db(transaction=True)


class InBulk(WriteLedger):
    """Writes many items by one statement."""

    name = "tests.in_bulk"

    def process_all(self, numbers: list[int]) -> None:
        LedgerEntry.objects.bulk_create(LedgerEntry(run=self.run.id, item=str(number)) for number in numbers)


class TenAtOnce(Way):
    """Gives the operation ten items at once."""

    @classmethod
    def fits(cls, operation: Operation) -> bool:
        return hasattr(operation, "process_all")

    def advance(self, budget: float) -> Tally:
        return self.commit(self.ten, budget)

    def ten(self, entries: Entries, tally: Tally, deadline: float) -> None:
        chunk = list(islice(entries, 10))
        operation: Any = self.work.operation
        operation.process_all([item for _, _, item in chunk])
        for entry in chunk:
            tally.count(entry)


@pytest.fixture
def ten_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.runner.ways.WAYS", [TenAtOnce, *WAYS])


def test_a_new_way_does_the_items_of_those_operations_that_it_fits(ten_at_once: None) -> None:
    run = drive(start("tests.in_bulk", items=25))

    assert (run.state, run.parts.get().succeeded) == ("succeeded", 25)
    assert LedgerEntry.objects.filter(run=run.pk).count() == 25


def test_its_chunks_are_checkpoints_like_any_others(ten_at_once: None) -> None:
    run = start("tests.in_bulk", items=25)
    work(claim(run), after_items(1))

    assert LedgerEntry.objects.count() == run.parts.get().succeeded == 8  # as many as are read ahead at first
    assert drive(run).state == "succeeded"
    assert LedgerEntry.objects.count() == 25


def test_an_operation_that_it_does_not_fit_is_done_as_before(ten_at_once: None) -> None:
    run = drive(start("tests.write_ledger", items=25, fail="3"))

    assert (run.state, run.parts.get().succeeded) == ("partial", 24)
