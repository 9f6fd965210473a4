"""Stored uploads that no run names: their start was rolled back by its caller, or its process was killed in it."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from django.core.files.storage import default_storage
from django.utils import timezone

from headway.models import Run
from headway.operations import files, params

YOUNG = timedelta(days=1)  # whose run may still be in an open transaction
OURS = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}-.+")


def find() -> Iterator[str]:
    """The names, in the default storage, of our files older than a day that no run of this database was started with.

    Lists the storage's folder and reads the runs once. Raises NotImplementedError where the storage can't be listed.
    """
    old = set(stored_before())
    # A retry has its original's files, and the original can't be deleted before it.
    originals = Run.objects.filter(root=None).order_by().values_list("params", flat=True)
    for given in originals.iterator() if old else ():
        old.difference_update(file.name for file in params.stored_files(given))
    yield from sorted(old)


def stored_before() -> Iterator[str]:
    until = datetime.now(UTC) - YOUNG
    try:
        _, names = default_storage.listdir(files.FOLDER)
    except FileNotFoundError:
        return
    for name in (f"{files.FOLDER}/{each}" for each in names if OURS.fullmatch(each)):
        if modified(name) < until:
            yield name


def modified(name: str) -> datetime:
    """Aware, whatever USE_TZ says."""
    found = default_storage.get_modified_time(name)
    return found if timezone.is_aware(found) else timezone.make_aware(found)
