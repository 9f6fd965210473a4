"""A run that is taken to another database by dumpdata and loaddata, in the midst of its items."""

from pathlib import Path

import pytest
from django.core.management import call_command

from headway import runs
from headway.models import Run
from tests.app.driving import after_items, claim, drive, fresh, work
from tests.app.models import LedgerEntry

pytestmark = pytest.mark.django_db(transaction=True)

ITEMS = 20


def test_a_run_that_is_moved_in_its_midst_goes_on_there_and_doubles_nothing(tmp_path: Path) -> None:
    run = runs.start("tests.write_ledger", {"items": ITEMS}).run
    work(claim(run), should_stop=after_items(5))
    runs.pause(run)
    done = LedgerEntry.objects.count()
    assert 0 < done < ITEMS

    moved = str(tmp_path / "all.json")
    call_command("dumpdata", "headway", LedgerEntry._meta.label, output=moved, verbosity=0)
    for model in (LedgerEntry, Run):
        model.objects.all().delete()
    call_command("loaddata", moved, verbosity=0)

    assert (fresh(run).state, LedgerEntry.objects.count()) == ("paused", done)
    runs.resume(run)
    assert drive(run).state == "succeeded"
    assert LedgerEntry.objects.values("item").distinct().count() == LedgerEntry.objects.count() == ITEMS
    assert drive(runs.start("tests.write_ledger", {"items": 1}).run).state == "succeeded"  # ids go on behind those
