"""Items that kill or stall whoever does them."""

from pathlib import Path

import pytest

from headway import runs
from headway.models import ItemOutcome, Part
from tests.app.gates import Gate
from tests.crash.aloud import Tell
from tests.crash.scene import entries, part_of
from tests.workers import Workers, children_of, until, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)

ITEMS, POISON = 100, 42
ALL_OTHERS_ONCE = {str(number): 1 for number in range(ITEMS) if number != POISON}


def test_an_item_that_kills_its_worker_is_left_out_after_four_deaths(workers: Workers, tell: Tell) -> None:
    workers.start()
    run = runs.start("tests.write_ledger", {"items": ITEMS, "die": str(POISON)}).run

    ended = wait_for_end(run.pk)

    deaths = part_of(run).resumes
    tell(f"a poison item: {deaths} deaths")
    assert deaths <= 4
    assert ended.state == "partial"
    assert list(ItemOutcome.objects.filter(run=run).values_list("key", "code")) == [(str(POISON), "worker-died")]
    assert entries(run.pk) == ALL_OTHERS_ONCE


def test_an_item_that_hangs_is_ended_and_left_out(workers: Workers, tmp_path: Path, tell: Tell) -> None:
    gate = Gate(tmp_path / "gate").build()  # which nobody opens
    worker = workers.start()
    run = runs.start("tests.hang", {"items": ITEMS, "gate": f"{POISON}:{tmp_path}/gate"}).run
    hung = gate.wait_until_reached()

    killed_after = until(lambda: hung not in children_of(worker.pid))
    ended = wait_for_end(run.pk)

    deaths = part_of(run).resumes
    tell(f"an item that hangs, with a timeout of 1 s: ended after {killed_after:.2f} s, left out after {deaths} times")
    assert deaths <= 4
    assert ended.state == "partial"
    assert list(ItemOutcome.objects.filter(run=run).values_list("key", "code")) == [(str(POISON), "worker-died")]
    assert entries(run.pk) == ALL_OTHERS_ONCE
    assert not Part.objects.filter(token__isnull=False).exists()
