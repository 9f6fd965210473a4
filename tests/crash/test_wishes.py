"""Cancel and pause, at moments that nobody chose, while the run is worked."""

import random
import time
from uuid import UUID

import pytest

from headway import runs
from headway.database import now_ms
from headway.errors import InvalidState
from headway.models import Part, Run
from headway.snapshots import snapshot
from tests.app.models import LedgerEntry
from tests.crash.aloud import Tell
from tests.crash.scene import LEASE, entries, owner_of, processed
from tests.pace import BareProcess
from tests.workers import Workers, until, wait_for_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

CANCELS = 10
ITEMS, WORK_US = 600, 500  # a run of about half a second


def start() -> Run:
    return runs.start("tests.write_ledger", {"items": ITEMS, "work_us": WORK_US}).run


def test_after_an_accepted_cancel_nothing_is_done_any_more(workers: Workers, dice: random.Random, tell: Tell) -> None:
    workers.start()
    at_rest: dict[UUID, int] = {}  # entries of a run in the ledger when it said that it is cancelled
    too_late, slowest = 0, 0.0

    while len(at_rest) < CANCELS:
        run = start()
        time.sleep(dice.uniform(0, 0.6))
        try:
            runs.cancel(run)
        except InvalidState:
            assert wait_for_end(run.pk).state == "succeeded"
            too_late += 1
            assert too_late < 10 * CANCELS
            continue
        with BareProcess() as bare:
            took = until(lambda run=run: Run.objects.get(pk=run.pk).is_done)  # type: ignore[misc]
        slowest = max(slowest, bare.undisturbed(took))
        at_rest[run.pk] = LedgerEntry.objects.filter(run=run.pk).count()
    last = wait_for_end(start().pk)

    tell(f"{CANCELS} cancels, {too_late} too late; in force after {slowest:.2f} s at the slowest, with items of 0.5 ms")
    assert last.state == "succeeded"
    assert slowest < 1.0
    for run_id, count in at_rest.items():
        cancelled = Run.objects.get(pk=run_id)
        assert cancelled.state == "cancelled"
        assert LedgerEntry.objects.filter(run=run_id).count() == count == processed(cancelled)
        assert entries(run_id) == {str(number): 1 for number in range(count)}
    assert any(0 < count < ITEMS for count in at_rest.values()), "no cancel came in the middle of a run"


def test_a_paused_run_rests_and_then_goes_on_at_the_very_next_item(
    workers: Workers, dice: random.Random, tell: Tell
) -> None:
    workers.start()
    items = 5_000
    run = runs.start("tests.write_ledger", {"items": items, "work_us": WORK_US}).run
    slowest, paused_at = 0.0, 0

    for _ in range(3):
        enough = paused_at + dice.randint(1, 400)
        until(lambda enough=enough: processed(run) >= enough)  # type: ignore[misc]
        runs.pause(run)
        with BareProcess() as bare:
            took = until(lambda: Run.objects.get(pk=run.pk).state == "paused")
        slowest = max(slowest, bare.undisturbed(took))
        paused_at = LedgerEntry.objects.filter(run=run.pk).count()
        assert wait_for_end(start().pk).state == "succeeded"  # the worker does something else meanwhile
        assert LedgerEntry.objects.filter(run=run.pk).count() == paused_at == processed(run)
        runs.resume(run)
    ended = wait_for_end(run.pk)

    tell(f"paused {slowest:.2f} s after it was asked, at the slowest of three times")
    assert slowest < 1.0
    assert ended.state == "succeeded"
    done = LedgerEntry.objects.filter(run=run.pk).order_by("id").values_list("item", flat=True)
    assert list(done) == [str(number) for number in range(items)]


def test_a_cancel_ends_a_run_that_no_worker_is_left_to_yield(workers: Workers) -> None:
    workers.start(lease_seconds=2 * LEASE)
    run = runs.start("tests.write_ledger", {"items": 5_000, "work_us": 1_000}).run
    until(lambda: processed(run) > 0)
    owner_of(run, workers).kill_both()

    runs.cancel(run)
    seen = snapshot(run.pk)
    assert (seen["state"], seen["actions"]) == ("cancelling", [])
    until(lambda: not Part.objects.filter(run=run, due__gt=now_ms()).exists())  # the lease of the dead runs out
    assert snapshot(run.pk)["state"] == "cancelled"

    ended = Run.objects.get(pk=run.pk)
    assert (ended.state, ended.live_key) == ("cancelled", None)
    assert LedgerEntry.objects.filter(run=run.pk).count() == processed(run)
