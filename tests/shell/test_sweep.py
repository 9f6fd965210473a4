"""manage.py headway_sweep: no upload outlives the runs that were started with it for more than a day."""

import os
import time
from io import StringIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import Storage, default_storage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import transaction

from headway import runs
from headway.models import Run

pytestmark = pytest.mark.django_db(transaction=True)

DAY = 24 * 3600


def start() -> str:
    """A run with an upload; gives the upload's name."""
    before = names()
    file = ContentFile(b"icao,iata,name,city,subd,country,elevation,lat,lon,tz,lid\n", name="airports.csv")
    runs.start("airports.import_airports", {"file": file})
    (name,) = names() - before
    return name


def names() -> set[str]:
    folder = Path(default_storage.path("headway"))
    return {f"headway/{file.name}" for file in folder.iterdir()} if folder.exists() else set()


def grow_old(*stored: str, seconds: float = 25 * 3600) -> None:
    for name in stored:
        os.utime(default_storage.path(name), times=(time.time() - seconds,) * 2)


def said(*options: str) -> list[str]:
    out = StringIO()
    call_command("headway_sweep", *options, stdout=out)
    return out.getvalue().splitlines()


@pytest.fixture
def stray(media: Path) -> str:
    """The upload of a start that its caller has rolled back, a day ago."""
    with transaction.atomic():
        name = start()
        transaction.set_rollback(True)
    grow_old(name)
    return name


def test_the_upload_of_a_start_that_was_rolled_back_is_deleted(stray: str) -> None:
    assert said("--dry-run") == [f"Would delete {stray}."]
    assert names() == {stray}
    assert said() == [f"Deleted {stray}."]
    assert names() == set()
    assert said() == []  # cron sends a mail for each word
    assert said("--dry-run") == ["There is nothing to delete."]


def test_what_a_run_needs_stays_and_so_does_what_is_young_or_not_ours(stray: str) -> None:
    needed, young = start(), stray
    grow_old(needed)
    grow_old(young, seconds=DAY - 60)
    foreign = default_storage.save("headway/readme.txt", ContentFile(b"not ours"))
    grow_old(foreign)
    assert said() == []
    assert names() == {needed, young, foreign}


def test_a_retry_keeps_the_upload_of_the_run_that_it_retries(media: Path) -> None:
    needed = start()
    grow_old(needed)
    run = runs.cancel(Run.objects.get())
    runs.retry(run)
    assert said() == []
    assert names() == {needed}


def test_where_nothing_was_ever_uploaded_there_is_nothing_to_do(media: Path) -> None:
    assert said() == []


def test_a_storage_that_cannot_be_listed_is_told(media: Path, settings: object) -> None:
    settings.STORAGES = settings.STORAGES | {"default": {"BACKEND": "tests.shell.test_sweep.Unlisted"}}  # type: ignore[attr-defined]
    with pytest.raises(CommandError, match="can't be listed"):
        said()


class Unlisted(Storage):
    """Some can't."""
