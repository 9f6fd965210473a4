"""Idempotency keys: the same start said twice is one run, however often and wherever it arrives.

A cache may remember which run a key names, so that a replay need not read the table of keys (HEADWAY["CACHE"]). What it
says is only a guess: the run itself is read in any case, and without a cache nothing but time is lost.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.core.cache import caches
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from headway.conf import conf
from headway.database import delete_any, write
from headway.errors import IdempotencyKeyReused, RunDeleted
from headway.fuse import Fuse
from headway.models import IdempotencyKey, Run

KEPT_FOR = timedelta(hours=24)  # after the run's end, as the HTTP contract says
OVER = Now() - KEPT_FOR
EXPIRED = Q(run__finished_at__lt=OVER)
LASTS = 24 * 60 * 60  # s; a run that goes on for longer is noted again at a replay that had to ask the database

fuse = Fuse("cache")


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
    note(key, row.run_id)
    return row.run


def recalled(key: Key) -> Run | None:
    """The run that a cache remembers, if it is there and has kept its key: a key goes no sooner than its run.

    None says nothing: the database decides.
    """
    if not (alias := conf().cache):
        return None
    said = fuse.attempt(lambda: caches[alias].get(key.name))
    try:
        run_id = UUID(str(said))
    except ValueError:
        return None  # nothing is kept, or another program's value
    return Run.objects.exclude(finished_at__lt=OVER).filter(pk=run_id).order_by().first()


def note(key: Key, run_id: UUID) -> None:
    """Let the cache remember the key's run, once this transaction is committed."""
    if alias := conf().cache:
        transaction.on_commit(lambda: fuse.attempt(lambda: caches[alias].set(key.name, str(run_id), LASTS)))


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
        note(key, run.pk)
        return None


def claim(key: Key, run: Run) -> None:
    """Let the key name the run that this transaction makes. Raises Overtaken, to undo it, when it names another."""
    if remember(key, run):
        raise Overtaken


def forget_expired() -> None:
    """Delete the keys whose time is over."""
    delete_any(IdempotencyKey.objects.filter(EXPIRED))
