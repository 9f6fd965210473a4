"""Idempotency keys: the same start said twice is one run, however often and wherever it arrives."""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from headway.database import write
from headway.errors import IdempotencyKeyReused, RunDeleted
from headway.models import IdempotencyKey, Run

from . import recall

KEPT_FOR = timedelta(hours=24)  # after the run's end, as the HTTP contract says
OVER = Now() - KEPT_FOR
EXPIRED = Q(run__finished_at__lt=OVER)


class Overtaken(Exception):
    """The key names another run by now, so the one that this transaction was to make isn't needed."""


@dataclass(frozen=True)
class Key:
    """A key as its caller sent it, with the fingerprint of what was asked for."""

    principal: str
    text: str
    fingerprint: str

    @property
    def rows(self) -> QuerySet[IdempotencyKey]:
        """The row that says which run has this key, or none."""
        return IdempotencyKey.objects.filter(principal=self.principal, key=self.text)

    @property
    def name(self) -> str:
        """By which a cache may know it: a start of something else with the same key finds nothing there."""
        said = json.dumps([self.principal, self.text, self.fingerprint])
        return f"headway-key-{hashlib.sha256(said.encode()).hexdigest()}"


def replayed(key: Key) -> Run | None:
    """The run that has this key. Raises IdempotencyKeyReused when it was for something else, and RunDeleted."""
    if run := recalled(key):
        return run
    row = key.rows.exclude(EXPIRED).select_related("run").order_by().first()
    if row is None:
        return None
    if row.fingerprint != key.fingerprint:
        raise IdempotencyKeyReused(key.text)
    if row.run.deleted:
        raise RunDeleted(key.text)
    recall.keep(key.name, row.run_id)
    return row.run


def recalled(key: Key) -> Run | None:
    """The run that a cache remembers, if it is there and has kept its key: a key goes no sooner than its run.

    None says nothing: the database decides.
    """
    run_id = recall.guess(key.name)
    return None if run_id is None else Run.objects.exclude(finished_at__lt=OVER).filter(pk=run_id).order_by().first()


def remember(key: Key, run: Run) -> Run | None:
    """Let the key name this run; when another request with it was quicker, gives the run that it named.

    Insert first: of two simultaneous requests one reads what the other wrote. Raises IdempotencyKeyReused.
    """
    mine = IdempotencyKey(principal=key.principal, key=key.text, fingerprint=key.fingerprint, run=run)
    with write():
        key.rows.filter(EXPIRED).delete()
        IdempotencyKey.objects.bulk_create([mine], ignore_conflicts=True)
        if not key.rows.filter(pk=mine.pk).exists():
            return replayed(key)
        recall.keep(key.name, run.pk)
        return None


def claim(key: Key, run: Run) -> None:
    """Let the key name the run that this transaction makes. Raises Overtaken, to undo it, when it names another."""
    if remember(key, run):
        raise Overtaken


def forget_expired() -> None:
    """Delete the keys whose time is over."""
    expired = IdempotencyKey.objects.filter(EXPIRED)
    if expired.exists():  # a DELETE would take SQLite's lock for nothing
        with write():
            expired.delete()
