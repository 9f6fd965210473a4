"""How long runs are kept, and how they go."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.core.management import call_command
from django.db import connections

from headway import runs
from headway.database import write
from headway.errors import RunDeleted
from headway.models import ItemOutcome, Part, Run, SharedRate
from headway.operations import registry
from headway.store.upkeep import retention, tidying
from headway.testing import turn_clock
from tests.app.driving import drive, start, with_failures

pytestmark = pytest.mark.django_db(transaction=True)

WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def due(monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker's next look is due now, and takes as long as it takes: a second may be too short on a busy machine."""
    monkeypatch.setattr(retention, "looked", float("-inf"))
    monkeypatch.setattr(retention, "AT_ONCE", 60.0)


@pytest.fixture
def a_week(settings: Any) -> None:
    settings.HEADWAY = settings.HEADWAY | {"KEEP": WEEK}


def prune(*options: str) -> str:
    out = StringIO()
    call_command("headway_prune", *options, stdout=out)
    return out.getvalue()


@pytest.mark.usefixtures("a_week")
def test_a_run_is_deleted_once_its_time_is_over() -> None:
    drive(start(items=3, fail="1"))
    turn_clock(WEEK - HOUR)
    assert prune() == "Deleted 0 runs.\n"
    drive(start(items=2))
    unended = start(items=4)

    turn_clock(2 * HOUR)

    assert prune("--dry-run") == "Would delete 1 of tests.write_ledger, and those that they retried.\n"
    assert Run.objects.count() == 3
    assert prune() == "Deleted 1 run.\n"
    assert Run.everything.count() == 2
    assert not ItemOutcome.objects.exists()
    turn_clock(2 * WEEK)
    prune()
    assert list(Run.everything.all()) == [unended]


def test_without_a_declared_time_runs_stay_for_ever() -> None:
    drive(start(items=3))
    turn_clock(1_000 * WEEK)
    assert prune("--dry-run") == "There is nothing to delete.\n"
    assert prune() == "Deleted 0 runs.\n"


@pytest.mark.usefixtures("a_week")
def test_an_operation_says_how_long_its_own_runs_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry.get("tests.write_ledger"), "keep", HOUR)
    monkeypatch.setattr(registry.get("tests.scripted"), "keep", timedelta.max)
    for operation in ("tests.write_ledger", "tests.scripted", "tests.touch_things"):
        drive(runs.start(operation).run)

    turn_clock(2 * HOUR)
    prune()
    assert set(Run.objects.values_list("operation", flat=True)) == {"tests.scripted", "tests.touch_things"}
    turn_clock(100 * WEEK)
    prune()
    assert set(Run.objects.values_list("operation", flat=True)) == {"tests.scripted"}


@pytest.mark.usefixtures("a_week")
def test_a_run_that_was_retried_stays_as_long_as_its_retry() -> None:
    old = drive(start(items=3, fail="1"))
    turn_clock(WEEK - HOUR)
    new = runs.retry(old).run
    drive(new)

    turn_clock(2 * HOUR)
    assert prune() == "Deleted 0 runs.\n"
    turn_clock(WEEK)

    assert prune() == "Deleted 2 runs.\n"
    assert not Run.everything.exists()


@pytest.mark.usefixtures("a_week")
def test_uploads_go_with_the_last_run_of_their_chain(media: Path) -> None:
    rows = b"icao,iata,name,city,subd,country,elevation,lat,lon,tz,lid\nLOWX,,,,,,,,,,\n"
    old = drive(runs.start("airports.import_airports", {"file": ContentFile(rows, "airports.csv")}).run)
    turn_clock(WEEK)
    new = drive(runs.retry(old).run)
    prune()
    assert len(default_storage.listdir("headway")[1]) == 1

    turn_clock(WEEK + HOUR)
    prune()

    assert not Run.objects.filter(pk__in=[old.pk, new.pk]).exists()
    assert default_storage.listdir("headway")[1] == []


def test_a_key_of_a_run_that_is_gone_starts_nothing_within_its_day(settings: Any) -> None:
    settings.HEADWAY = settings.HEADWAY | {"KEEP": timedelta(minutes=1)}
    named = {"idempotency_key": "the-first-one"}
    drive(runs.start("tests.scripted", **named).run)
    turn_clock(HOUR)
    prune()

    with pytest.raises(RunDeleted):
        runs.start("tests.scripted", **named)
    turn_clock(timedelta(days=1))
    tidying.tidy()

    assert not Run.everything.exists()
    assert runs.start("tests.scripted", **named).run.state == "queued"


@pytest.mark.usefixtures("a_week")
def test_a_worker_prunes_in_its_own_time() -> None:
    for items in (3, 4):
        drive(start(items=items))
    turn_clock(2 * WEEK)

    tidying.tidy()

    assert not Run.everything.exists()
    assert not Part.objects.exists()


@pytest.fixture
def waits() -> Iterator[list[float]]:
    """How long each of another writer's short transactions took, one after the other for as long as the test lasts."""
    over, took = threading.Event(), []

    def keep_writing() -> None:
        while not over.is_set():
            began = time.monotonic()
            with write():
                SharedRate.objects.update_or_create(name="beside", defaults={"free_at": 0, "changed": 0})
            took.append(time.monotonic() - began)
        connections.close_all()

    writer = threading.Thread(target=keep_writing)
    writer.start()
    yield took
    over.set()
    writer.join()


@pytest.mark.alone
@pytest.mark.usefixtures("a_week")
def test_another_writer_waits_no_longer_than_for_a_chunk_while_much_is_pruned(request: pytest.FixtureRequest) -> None:
    with_failures(drive(start(items=1)), 100_000)
    for items in range(2, 12):
        drive(start(items=items))
    turn_clock(2 * WEEK)

    waits = request.getfixturevalue("waits")
    prune()

    assert not ItemOutcome.objects.exists()
    assert len(waits) > 20
    assert max(waits) < 1
