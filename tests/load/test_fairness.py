"""Short runs among long ones."""

import pytest
from django.db.models import Sum

from headway import runs
from headway.models import Part, Run
from tests.app.driving import claim, counted, start, work
from tests.app.models import LedgerEntry
from tests.crash.aloud import Tell
from tests.workers import Workers, until, wait_for_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.alone]

BIG_RUNS, BIG = 20, 100_000
WORKED_MS = 3_000  # of each by then: more than a slice, and about what the short run needs
WORKERS = 2
SHARE = 6  # times the short run's own service may the long ones have meanwhile: by turns of 2 s it would be 40


def never_begun(number: int) -> Run:
    return start(items=BIG + number, work_us=100)


def begun(number: int) -> Run:
    """A run that has gone on for a while."""
    run = never_begun(number)
    work(claim(run), should_stop=LedgerEntry.objects.filter(run=run.pk).exists)  # after one item
    counted()
    Part.objects.filter(run=run).update(worked_ms=WORKED_MS)
    return run


def served_ms(among: list[Run]) -> int:
    """How long workers have worked at these runs."""
    return int(Part.objects.filter(run__in=among).aggregate(all=Sum("worked_ms"))["all"])


def at_work(workers: Workers) -> None:
    workers.start(processes=WORKERS)
    until(lambda: Part.objects.filter(token__isnull=False).count() == WORKERS)


def end(big: list[Run]) -> None:
    for run in big:
        runs.cancel(run)
    until(lambda: Run.objects.filter(state="cancelled").count() == BIG_RUNS)


def test_a_short_run_among_twenty_long_ones_that_have_begun_is_served_until_it_is_done(
    workers: Workers, tell: Tell
) -> None:
    big = [begun(number) for number in range(BIG_RUNS)]
    at_work(workers)
    before = served_ms(big)

    short = runs.start("tests.write_ledger", {"items": 50, "work_us": 20_000}).run
    assert wait_for_end(short.pk).state == "succeeded"

    theirs, its = served_ms(big) - before, served_ms([short])
    tell(
        f"A run of {its / 1000:.1f} s is done while {BIG_RUNS} long ones on {WORKERS} workers had {theirs / 1000:.1f} s"
    )
    assert its >= 1_000
    assert theirs < SHARE * its
    end(big)


def test_a_run_of_ten_items_among_twenty_long_ones_that_have_never_begun_waits_for_a_moment_of_each(
    workers: Workers, tell: Tell
) -> None:
    big = [never_begun(number) for number in range(BIG_RUNS)]
    at_work(workers)

    short = runs.start("tests.write_ledger", {"items": 10}).run
    assert wait_for_end(short.pk).state == "succeeded"

    theirs = served_ms(big) / BIG_RUNS
    tell(f"A run of ten items is done once {BIG_RUNS} that came before it have had {theirs:.0f} ms each")
    assert theirs < 750
    end(big)
