"""The edges: each ends in a clear state, and nothing is done twice."""

from collections.abc import Iterator
from typing import Any

import pytest

from headway import Reject, Skip, runs, sources
from headway.models import ItemOutcome, Run
from headway.snapshots import snapshot
from tests.app.driving import counted, drive, fresh, start
from tests.app.models import LedgerEntry, Thing
from tests.app.sources import Numbers
from tests.crash.scene import entries
from tests.workers import Workers, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]


def ledger(run: Run) -> list[int]:
    return sorted(map(int, LedgerEntry.objects.filter(run=run.pk).values_list("item", flat=True)))


def test_one_item_is_a_run(script: Script) -> None:
    script["items"] = lambda: Numbers(1)
    run = drive(start("tests.scripted"))
    counted()
    assert (run.state, snapshot(run.pk)["progress"]["percent"]) == ("succeeded", 100.0)


def test_a_total_that_nobody_knows_is_known_at_the_end(script: Script) -> None:
    class Uncounted(Numbers):
        def count(self, bounds: Any) -> None:
            return None

    script["items"] = lambda: Uncounted(7)
    run = drive(start("tests.scripted"))
    assert (run.state, run.total, run.total_exact) == ("succeeded", 7, True)


def test_a_source_that_fails_halfway_pauses_the_run_and_goes_on_from_there(script: Script) -> None:
    class Torn(Numbers):
        def read(self, bounds: Any, after: Any) -> Iterator[Any]:
            for entry in super().read(bounds, after):
                if entry[2] == 30 and script["torn"]:
                    raise OSError("the share is gone")
                yield entry

    script |= {"items": lambda: Torn(50), "torn": True}
    run = drive(start("tests.scripted"))
    assert (run.state, run.reason_code) == ("paused", "operation-error")
    assert ledger(run) == list(range(len(ledger(run))))

    script["torn"] = False
    runs.resume(run)
    assert drive(run).state == "succeeded"
    assert ledger(run) == list(range(50))


def test_an_item_may_delete_itself(script: Script) -> None:
    Thing.objects.bulk_create(Thing(code=str(number)) for number in range(20))
    script |= {
        "items": lambda: sources.queryset(Thing.objects.all()),
        "before": lambda operation, thing: thing.delete(),
    }
    assert drive(start("tests.scripted")).state == "succeeded"
    assert not Thing.objects.exists()


def test_an_item_that_changes_its_own_key_keeps_no_run_from_its_end(script: Script) -> None:
    Thing.objects.bulk_create(Thing(code=str(number)) for number in range(20))

    def before(operation: Any, thing: Thing) -> None:
        Thing.objects.filter(pk=thing.pk).update(id=thing.pk + 1_000_000)

    script |= {"items": lambda: sources.queryset(Thing.objects.all()), "before": before}
    run = drive(start("tests.scripted"))
    assert (run.state, run.total) == ("succeeded", 20)


@pytest.mark.parametrize(
    ("verdicts", "state", "reason"),
    [
        ([Skip], "succeeded", ""),
        ([Skip, Reject], "failed", "nothing-succeeded"),
        ([Reject], "failed", "every-item-failed"),
    ],
    ids=["skips only", "skips and failures", "failures only"],
)
def test_a_run_without_a_success_says_what_it_came_to(
    script: Script, verdicts: list[Any], state: str, reason: str
) -> None:
    def before(operation: Any, number: int) -> None:
        raise verdicts[number % len(verdicts)]("no")

    script["before"] = before
    run = drive(start("tests.scripted"))
    assert (run.state, run.reason_code) == (state, reason)


def test_an_error_whose_text_is_no_utf8_or_cannot_be_told_is_one_like_others(script: Script) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    errors = [ValueError("\udcff\x00"), ValueError(b"\xff\xfe"), Mute()]

    def before(operation: Any, number: int) -> None:
        if number < len(errors):
            raise errors[number]

    script["before"] = before
    run = drive(start("tests.scripted"))
    assert (run.state, ItemOutcome.objects.filter(run=run, code="error").count()) == ("partial", 3)
    assert fresh(run).is_done


def test_an_item_that_ends_its_process_is_left_out_and_all_others_are_done(workers: Workers) -> None:
    workers.start()
    run = runs.start("tests.call_exit", {"items": 60}).run

    assert wait_for_end(run.pk).state == "partial"
    assert list(ItemOutcome.objects.filter(run=run).values_list("key", "code")) == [("42", "worker-died")]
    assert entries(run.pk) == {str(number): 1 for number in range(60) if number != 42}
