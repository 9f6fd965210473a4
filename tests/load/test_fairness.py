"""Short runs among long ones."""

import time
from collections.abc import Callable

import pytest

from headway import runs
from headway.models import Part, Run
from tests.app.driving import claim, counted, start, work
from tests.app.models import LedgerEntry
from tests.crash.aloud import Tell
from tests.pace import BareProcess
from tests.workers import Workers, until, wait_for_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

BIG_RUNS, BIG = 20, 100_000
PROMISED = 5.0  # s
ROUNDS = 4


Begin = Callable[[int], Run]


def never_begun(number: int) -> Run:
    """A run that only waits: such go before those that have had a slice."""
    return start(items=BIG + number, work_us=100)


def gone_on_for_a_minute(number: int) -> Run:
    """A run that has begun, as if it had gone on for a minute: such go first on every other claim."""
    run = never_begun(number)
    work(claim(run), should_stop=LedgerEntry.objects.filter(run=run.pk).exists)  # after one item
    counted()
    Part.objects.filter(run=run).update(worked_ms=60_000)
    return run


@pytest.mark.parametrize("begin", [never_begun, gone_on_for_a_minute])
def test_a_run_of_ten_items_is_done_within_seconds_among_twenty_of_a_hundred_thousand(
    workers: Workers, tell: Tell, begin: Begin
) -> None:
    big = [begin(number) for number in range(BIG_RUNS)]
    workers.start(processes=2)
    until(lambda: Part.objects.filter(token__isnull=False).count() == 2)

    took = []
    for number in range(ROUNDS):
        with BareProcess() as bare:
            began = time.monotonic()
            small = runs.start("tests.write_ledger", {"items": 10 + number}).run
            ended = wait_for_end(small.pk)
            took.append(time.monotonic() - began)
        assert bare.undisturbed(took[-1]) < PROMISED
        assert ended.state == "succeeded"
        assert ended.total == 10 + number
    for run in big:
        runs.cancel(run)

    seconds = ", ".join(f"{each:.1f}" for each in took)
    tell(f"{begin.__name__}: ten items among {BIG_RUNS} runs of {BIG:,}: done after {seconds} s")
    until(lambda: Run.objects.filter(state="cancelled").count() == BIG_RUNS)
