"""`headway.testing`, as a project's tests use it."""

import time

import pytest
from django.core import mail
from django.test import TestCase

from example.airports.models import Airport
from headway import runs
from headway.models import Run
from headway.testing import drain
from tests.app.models import LedgerEntry


@pytest.mark.django_db(transaction=True)
def test_drain_does_all_that_is_due() -> None:
    several = [runs.start("tests.write_ledger", {"items": items, "reject": "1"}).run for items in (3, 4)]

    drain()

    assert [run.state for run in Run.objects.order_by("created_at")] == ["partial", "partial"]
    assert [LedgerEntry.objects.filter(run=run.pk).count() for run in several] == [2, 3]


@pytest.mark.django_db(transaction=True)
def test_drain_gives_back_what_is_not_done_when_its_seconds_are_over() -> None:
    run = runs.start("tests.write_ledger", {"items": 100, "work_us": 10_000}).run

    drain(seconds=0.2)

    run.refresh_from_db()
    assert run.state == "running"
    assert 0 < LedgerEntry.objects.count() < 100
    began = time.monotonic()
    drain()
    assert time.monotonic() - began < 60
    assert LedgerEntry.objects.count() == 100


class InsideATransaction(TestCase):
    """Django's ordinary test case, which never commits."""

    def test_drain_does_all_that_is_due(self) -> None:
        run = runs.start("tests.write_ledger", {"items": 3, "fail": "1"}).run

        drain()

        run.refresh_from_db()
        assert run.state == "partial"
        assert sorted(LedgerEntry.objects.values_list("item", flat=True)) == ["0", "2"]

    def test_effects_outside_are_done_where_the_tests_own_rows_are_seen(self) -> None:
        airport = Airport.objects.create(icao="LOWI", name="Innsbruck", latitude=47.26, longitude=11.34, elevation_ft=0)

        runs.start("airports.write_to_airports")
        drain()

        (sent,) = mail.outbox
        assert sent.to == [f"{airport.icao.lower()}@airports.example"]
