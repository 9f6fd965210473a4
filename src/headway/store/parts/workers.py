"""Which workers are there, by their own word; and whether one whose lease has run out must be gone: on SQLite it may
live, and only be kept from saying so."""

import sqlite3
from contextlib import closing

from django.db import connection
from django.db.models import Max, Q

from headway.database import NowMs, delete_any, now_ms, write
from headway.database.statements import Given, Rows
from headway.database.waiting import SOMEBODY, path_of
from headway.models import Part, Worker

HEARD_OF_MS = 30_000  # a worker tells every few seconds; after this it is gone


def beat(worker: str, host: str, pid: int, doorbell: int) -> None:
    """Tell that this worker is there; `doorbell` 0: it is woken otherwise."""
    told = Worker(id=worker, host=host, pid=pid, doorbell=doorbell, beat=NowMs())
    with write():
        Worker.objects.bulk_create(
            [told], update_conflicts=True, unique_fields=["id"], update_fields=["beat", "doorbell"]
        )


def leave(worker: str) -> None:
    """Tell that this worker is gone."""
    with write():
        Worker.objects.filter(id=worker).delete()


def forget_silent() -> None:
    """Forget the workers that haven't been heard of for long: they were killed, or have a process for each task."""
    delete_any(Worker.objects.filter(beat__lt=NowMs() - 10 * HEARD_OF_MS))


def alive() -> int:
    """How many workers have been heard of lately, or hold a lease: a busy one says nothing between two slices.

    One whose lease has run out doesn't count: it is gone. But while an item holds SQLite's write lock for long, nobody
    can be heard of; then all owners count.
    """
    heard_of = len(HEARD_OF())
    if heard_of or not (is_locked() and is_kept_silent(now_ms() - HEARD_OF_MS)):
        return heard_of
    return OWNED.values("worker").distinct().count()


OWNED = Part.objects.filter(token__isnull=False)
BUSY, GONE = (OWNED.filter(still).values("worker") for still in (Q(due__gte=NowMs()), Q(due__lt=NowMs())))
LATELY = Q(beat__gte=NowMs() - HEARD_OF_MS) & ~Q(id__in=GONE)
THERE = Worker.objects.filter(LATELY | Q(id__in=BUSY))
HEARD_OF = Rows(THERE.values_list("id"))


def with_doorbell() -> int:
    """How many workers heard of lately have a doorbell: those of `headway_worker`, and no others."""
    return THERE.filter(doorbell__gt=0).count()


def without_doorbell() -> int:
    """How many workers heard of lately have none: those of the other engines."""
    return THERE.filter(doorbell=0).count()


def named(prefix: str) -> set[str]:
    """The workers whose names begin so: those that have been heard of, and those that hold leases."""
    heard_of = Worker.objects.filter(id__startswith=prefix).values_list("id", flat=True)
    owners = Part.objects.filter(worker__startswith=prefix, token__isnull=False, due__gt=NowMs())
    return {*heard_of, *owners.values_list("worker", flat=True)}


def doorbells(host: str) -> list[int]:
    """The ports on which this host's workers are woken."""
    return [port for (port,) in DOORBELLS(host=host)]


RECENT = Worker.objects.filter(host=Given("host", Worker), doorbell__gt=0, beat__gte=NowMs() - 10 * HEARD_OF_MS)
DOORBELLS = Rows(RECENT.order_by().values_list("doorbell").distinct())


def is_kept_silent(since_ms: int) -> bool:
    """Whether nobody can have renewed a lease since then, because an item holds SQLite's one write lock.

    If anything was written since, the lock was free meanwhile; a process that dies lets go of it.
    """
    return is_locked() and last_written() < since_ms


def last_written() -> int:
    """The database's clock when a part or a worker wrote last, in ms."""
    parts = Part.objects.aggregate(at=Max("changed"))["at"]
    workers = Worker.objects.aggregate(at=Max("beat"))["at"]
    return max(parts or 0, workers or 0)


def is_locked() -> bool:
    """Whether another connection holds the write lock now. Asked on a connection of its own, without waiting."""
    if connection.in_atomic_block or path_of(SOMEBODY) is None:
        return False  # it may be ourselves who hold it; or there is no such lock
    with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0, isolation_level=None)) as other:
        try:
            other.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
        other.execute("ROLLBACK")
        return False
