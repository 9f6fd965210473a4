"""The database's clock is set back: what was stored before lies in the future, and nobody waits for it."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from headway.database import NowMs, now_ms
from headway.models import Part, Run, Worker
from headway.store.parts import leases, workers
from headway.store.upkeep import tidying
from tests.app.driving import after_items, claim, drive, fresh, start, work

pytestmark = pytest.mark.django_db(transaction=True)

BACK_MS = 3_600_000
LEASE_MS = 10_000


def set_back(run: Run) -> None:
    """As if the clock had been set back by an hour since all of this was stored."""
    Part.objects.filter(run=run).update(due=F("due") + BACK_MS, changed=F("changed") + BACK_MS)
    Run.objects.filter(pk=run.pk).update(changed=F("changed") + BACK_MS)


def due_in(run: Run) -> Any:
    """Milliseconds until the run's part is due."""
    return run.parts.annotate(left=F("due") - NowMs()).get().left


def test_a_queued_run_begins_at_once() -> None:
    run = start(items=3)
    set_back(run)
    assert leases.claim("nobody", 1) is None

    tidying.tidy()

    assert drive(run).state == "succeeded"
    assert fresh(run).changed <= now_ms()


def test_what_was_given_back_for_a_while_keeps_what_was_left_of_it() -> None:
    run = start(items=3)
    leases.release(claim(run), after_ms=5_000)
    set_back(run)

    tidying.tidy()

    assert 0 < due_in(run) <= 5_000


def test_a_dead_owner_is_followed_after_a_lease() -> None:
    run = start(items=3)
    claim(run, "dead")
    set_back(run)

    tidying.tidy()

    assert LEASE_MS - 5_000 < due_in(run) <= LEASE_MS


def test_an_owner_that_lives_is_not_followed_and_goes_on() -> None:
    run = start(items=3)
    part = claim(run)
    set_back(run)

    tidying.tidy()

    assert leases.claim("another", 1) is None
    work(part)
    assert (fresh(run).state, run.parts.get().resumes) == ("succeeded", 0)


def test_what_rests_goes_on_resting() -> None:
    run = start(items=3)
    work(claim(run), should_stop=after_items())
    Part.objects.filter(run=run).update(due=None)
    set_back(run)

    tidying.tidy()

    assert due_in(run) is None


def test_a_worker_that_is_gone_is_not_taken_for_alive() -> None:
    workers.beat("gone", "here", 1, 0)
    Worker.objects.update(beat=F("beat") + BACK_MS)

    tidying.tidy()

    assert Worker.objects.get().beat <= now_ms()


def test_nothing_is_written_while_the_clock_goes_on() -> None:
    run = start(items=3)
    leases.release(claim(run), after_ms=5_000)
    claim(start(items=4))
    workers.beat("here", "here", 1, 0)

    with CaptureQueriesContext(connection) as queries:
        tidying.tidy()

    assert [query["sql"] for query in queries if not query["sql"].startswith("SELECT")] == []
