"""Two hundred starts in the same instant, where the operation or an idempotency key says what a second one gets."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from django.db import connection, transaction

from headway import runs
from headway.models import IdempotencyKey, Part, Run
from headway.runs import Started
from headway.store.parts import leases
from tests.app.models import LedgerEntry
from tests.app.waiting import waits_for_a_lock
from tests.load.starters import STARTERS, Starters
from tests.workers import Workers, until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.crowd]

KEY = "one-and-the-same"


def test_of_simultaneous_identical_starts_with_one_key_one_creates_and_the_others_are_replays(tmp_path: Path) -> None:
    with Starters(tmp_path) as starters:
        answers = starters.start([{"count": 1}] * STARTERS, "tests.side_by_side", KEY)  # nothing else would hold them

    run = Run.objects.get()
    assert Counter((answer.what, answer.run) for answer in answers) == {
        ("created", str(run.pk)): 1,
        ("replayed", str(run.pk)): STARTERS - 1,
    }
    assert Part.objects.count() == IdempotencyKey.objects.count() == 1


def test_one_key_for_two_hundred_different_starts_is_good_for_one(tmp_path: Path) -> None:
    with Starters(tmp_path) as starters:
        answers = starters.start([{"count": number} for number in range(STARTERS)], "tests.side_by_side", KEY)

    assert Counter(answer.what for answer in answers) == {"created": 1, "reused": STARTERS - 1}
    assert Run.objects.count() == IdempotencyKey.objects.count() == 1


def test_all_that_stand_in_line_come_to_their_turn_while_the_line_moves(tmp_path: Path, workers: Workers) -> None:
    runs.start("tests.in_line", {"count": 0})
    workers.start(processes=2)  # so runs end, and promote the next, while others get in line behind them

    with Starters(tmp_path) as starters:
        answers = starters.start([{"count": 1 + number} for number in range(STARTERS)], "tests.in_line")
        assert {answer.what for answer in answers} <= {"created", "queued"}
    until(lambda: not Run.objects.filter(finished_at=None).exists())

    assert Counter(Run.objects.values_list("state", flat=True)) == {"succeeded": 1 + STARTERS}
    assert LedgerEntry.objects.count() == 1 + 2 + 3 * (STARTERS - 2)


def test_of_all_that_replace_each_other_at_most_one_is_left_and_it_is_done(tmp_path: Path, workers: Workers) -> None:
    workers.start(processes=2)

    with Starters(tmp_path) as starters:
        answers = starters.start([{"count": 1 + number} for number in range(STARTERS)], "tests.newest")
        assert {answer.what for answer in answers} <= {"created", "queued"}
    until(lambda: not Run.objects.filter(finished_at=None).exists())

    ended = Counter(Run.objects.values_list("state", flat=True))
    assert ended["succeeded"] >= 1
    assert ended["succeeded"] + ended["cancelled"] == STARTERS
    replaced = Run.objects.filter(state="cancelled").values_list("reason_code", flat=True)
    assert set(replaced) == {"replaced"}


@pytest.mark.postgresql  # where each run has a lock of its own
def test_who_cancels_and_starts_in_one_transaction_waits_for_nobody_who_waits_for_the_same_run() -> None:
    live = runs.start("tests.newest", {"count": 1}).run
    leases.claim("somebody", 1)  # so that it stays live until somebody lets go of it

    with ThreadPoolExecutor(1) as thread:
        with transaction.atomic():
            runs.cancel(live)
            other = thread.submit(start_newest, 2)
            until(waits_for_a_lock)
            mine = runs.start("tests.newest", {"count": 3})
        assert other.result().disposition == mine.disposition == "queued"

    assert dict(Run.objects.values_list("params__count", "state")) == {1: "cancelling", 2: "waiting", 3: "cancelled"}


def start_newest(count: int) -> Started:
    try:
        return runs.start("tests.newest", {"count": count})
    finally:
        connection.close()
