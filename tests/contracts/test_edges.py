"""The edges, in every way of doing items: each ends in a clear state, and nothing is done twice."""

from collections.abc import Iterator
from typing import Any

import pytest

from headway import Reject, Skip, runs, sources
from headway.models import ItemOutcome, Part, Run
from headway.snapshots import snapshot
from headway.store.parts.leases import MOST_CAREFUL
from tests.app.driving import claim, counted, drive, start, work
from tests.app.models import LedgerEntry, Thing
from tests.app.sources import Numbers
from tests.crash.scene import entries
from tests.workers import Workers, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]

WAYS = {
    "together": "tests.edge",
    "careful": "tests.edge",
    "prepared": "tests.edge_prepared",
    "in sets": "tests.edge_in_sets",
    "outside": "tests.edge_outside",
}
every_way = pytest.mark.parametrize("way", WAYS)


def begun(way: str) -> Run:
    """A run whose items are done so."""
    run = start(WAYS[way])
    if way == "careful":
        Part.objects.filter(run=run).update(careful=MOST_CAREFUL)
    return run


def done(way: str) -> Run:
    return drive(begun(way))


def progress(run: Run) -> dict[str, Any]:
    counted()
    shown: dict[str, Any] = snapshot(run.pk)["progress"]
    return shown


def ledger(run: Run) -> list[int]:
    return sorted(map(int, LedgerEntry.objects.filter(run=run.pk).values_list("item", flat=True)))


@every_way
def test_an_empty_source_is_a_run_that_has_succeeded(script: Script, way: str) -> None:
    script["items"] = lambda: Numbers(0)
    run = done(way)
    assert (run.state, run.total, progress(run)["percent"]) == ("succeeded", 0, 100.0)


@every_way
def test_one_item_is_a_run(script: Script, way: str) -> None:
    script["items"] = lambda: Numbers(1)
    run = done(way)
    assert (run.state, progress(run)["percent"], ledger(run)) == ("succeeded", 100.0, [0])


@every_way
def test_a_total_that_nobody_knows_is_known_at_the_end(script: Script, way: str) -> None:
    class Uncounted(Numbers):
        def count(self, bounds: Any) -> None:
            return None

    script["items"] = lambda: Uncounted(7)
    run = done(way)
    assert (run.state, run.total, run.total_exact, ledger(run)) == ("succeeded", 7, True, list(range(7)))


@every_way
def test_a_source_that_fails_halfway_pauses_the_run_and_goes_on_from_there(script: Script, way: str) -> None:
    class Torn(Numbers):
        def read(self, bounds: Any, after: Any) -> Iterator[Any]:
            for entry in super().read(bounds, after):
                if entry[2] == 30 and script["torn"]:
                    raise OSError("the share is gone")
                yield entry

    script |= {"items": lambda: Torn(50), "torn": True}
    run = done(way)
    assert (run.state, run.reason_code) == ("paused", "operation-error")
    assert ledger(run) == list(range(len(ledger(run))))

    script["torn"] = False
    runs.resume(run)
    assert drive(run).state == "succeeded"
    assert ledger(run) == list(range(50))


@every_way
def test_an_item_may_delete_itself(script: Script, way: str) -> None:
    things = [Thing.objects.create(code=str(number)).pk for number in range(20)]
    script |= {
        "items": lambda: sources.queryset(Thing.objects.all()),
        "do": lambda thing: Thing.objects.filter(pk=thing.pk).delete(),
    }
    run = done(way)
    assert (run.state, run.total, ledger(run)) == ("succeeded", 20, things)
    assert not Thing.objects.exists()


@every_way
def test_an_item_that_changes_its_own_key_keeps_no_run_from_its_end(script: Script, way: str) -> None:
    things = [Thing.objects.create(code=str(number)).pk for number in range(20)]
    script |= {
        "items": lambda: sources.queryset(Thing.objects.all()),
        "do": lambda thing: Thing.objects.filter(pk=thing.pk).update(id=thing.pk + 1_000_000),
    }
    run = done(way)
    assert (run.state, run.total, ledger(run)) == ("succeeded", 20, things)


@every_way
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
    script: Script, way: str, verdicts: list[Any], state: str, reason: str
) -> None:
    def do(number: int) -> None:
        raise verdicts[number % len(verdicts)]("no")

    script["do"] = do
    run = done(way)
    assert (run.state, run.reason_code, run.total, ledger(run)) == (state, reason, 5, [])


@every_way
def test_where_all_fail_alike_the_run_pauses_and_goes_on_once_that_is_mended(script: Script, way: str) -> None:
    def do(number: int) -> None:
        if script["broken"]:
            raise KeyError("renamed")

    script |= {"items": lambda: Numbers(60), "do": do, "broken": True}
    run = done(way)
    assert (run.state, run.reason_code) == ("paused", "failure-limit")

    script["broken"] = False
    runs.resume(run)
    run = drive(run)
    assert (run.state, run.total, ledger(run)) == ("succeeded", 60, list(range(60)))


@every_way
def test_an_error_whose_text_is_no_utf8_or_cannot_be_told_is_one_like_others(script: Script, way: str) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    errors = [ValueError("\udcff\x00"), ValueError(b"\xff\xfe"), Mute()]

    def do(number: int) -> None:
        if number < len(errors):
            raise errors[number]

    script["do"] = do
    run = done(way)
    assert (run.state, ItemOutcome.objects.filter(run=run, code="error").count()) == ("partial", 3)
    assert ledger(run) == [3, 4]


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("tests.exit", "worker-died"),
        ("tests.exit_prepared", "worker-died"),
        ("tests.exit_while_prepared", "worker-died"),
        ("tests.exit_in_sets", "worker-died"),
        ("tests.exit_outside", "error"),  # of a thread, it ends nothing else
    ],
)
def test_an_item_that_ends_its_process_is_left_out_and_all_others_are_done(
    operation: str, code: str, workers: Workers
) -> None:
    workers.start(lease_seconds=2)
    run = runs.start(operation, {"count": 20}).run

    assert wait_for_end(run.pk, seconds=120).state == "partial"
    assert dict(ItemOutcome.objects.filter(run=run).values_list("key", "code")) == {"7": code, "12": code}
    assert entries(run.pk) == {str(number): 1 for number in range(20) if number not in (7, 12)}


@pytest.mark.once
@pytest.mark.parametrize("operation", ["tests.exit", "tests.exit_while_prepared", "tests.exit_in_sets"])
def test_where_an_item_called_sys_exit_the_log_says(operation: str, caplog: pytest.LogCaptureFixture) -> None:
    run = runs.start(operation, {"count": 9}).run
    with pytest.raises(SystemExit):
        work(claim(run))

    assert f"run={run.pk} event=exit-called" in caplog.text
    assert "sys.exit(3)" in caplog.text
