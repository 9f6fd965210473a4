"""Rows of the database as items, also through retries."""

import pytest

from headway import runs
from headway.models import ItemOutcome, Selection
from tests.app.driving import after_items, claim, drive, fresh, start, work
from tests.app.models import LedgerEntry, Thing

pytestmark = pytest.mark.django_db(transaction=True)


def things(n: int, name: str = "chosen") -> list[Thing]:
    first = Thing.objects.count()
    return Thing.objects.bulk_create(Thing(name=name, code=f"{name}-{i}") for i in range(first, first + n))


def ledger() -> list[str]:
    return sorted(LedgerEntry.objects.values_list("item", flat=True), key=lambda code: int(code.split("-")[1]))


def test_a_queryset_is_read_within_the_bounds_that_were_frozen_at_the_start() -> None:
    # Hole 12.
    things(5)
    run = start("tests.touch_things")
    work(claim(run), should_stop=after_items())
    things(3, "late")

    run = drive(run)

    assert ledger() == [f"chosen-{i}" for i in range(5)]
    assert (run.state, run.total) == ("succeeded", 5)


def test_a_selection_is_copied_once_and_outlives_changes() -> None:
    chosen = things(5)
    things(2, "other")
    run = start("tests.touch_selected")
    work(claim(run), should_stop=after_items())
    Thing.objects.filter(pk=chosen[1].pk).update(name="renamed")
    things(2)
    chosen[3].delete()

    run = drive(run)

    assert Selection.objects.filter(run=run).count() == 5
    assert ledger() == ["chosen-0", "chosen-1", "chosen-2", "chosen-4"]
    assert run.state == "succeeded"
    gone = ItemOutcome.objects.get()
    assert (gone.state, gone.code) == ("skipped", "gone")


def test_what_a_cancelled_run_left_of_its_selection_is_retried() -> None:
    things(6)
    first = start("tests.touch_selected")
    work(claim(first), should_stop=after_items())
    runs.cancel(first)
    second = runs.retry(first).run
    work(claim(second), should_stop=after_items())
    runs.cancel(second)

    third = drive(runs.retry(second).run)

    assert fresh(second).state == "cancelled"
    assert third.state == "succeeded"
    assert (third.root_id, third.total) == (first.pk, 4)
    assert ledger() == [f"chosen-{i}" for i in range(6)]
