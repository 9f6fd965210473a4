"""Deleted runs: hidden at once, and then removed in bites, each so short that no writer waits for it.

A process that is killed meanwhile leaves a run that no caller sees; every worker goes on with what is left of it.
"""

import time
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.db.models.deletion import ProtectedError, RestrictedError

from headway.database import write
from headway.database.turns import Turns
from headway.errors import StillNeeded
from headway.models import Block, Discovery, ItemOutcome, LogLine, Part, Run, Selection
from headway.operations import files, params
from headway.store.announcing import announce_change
from headway.store.locks import lock_run
from headway.store.runs import control
from headway.store.starts.submissions import newest_of

AT_ONCE = 5.0  # s; a request waits for it
FIRST_BITE = 200  # rows; each of the next has what fits into BITE
BIGGEST_BITE = 10_000
BITE = 0.05  # s: on SQLite all others wait for it


def delete(run_id: UUID) -> None:
    """Hide an ended run that no other retries from everybody, for `clear_away` to remove.

    At the commit its files are deleted, when no run of its retry chain is left that was started with them. Under the
    run's lock, which a retry of it takes too, and before it that of the run that it retries. Raises RunNotFound,
    StillNeeded.
    """
    with write():
        retried = Run.objects.filter(retried_as=run_id).order_by().first()
        if retried:
            control.save(lock_run(retried.pk))  # its snapshot named this one
        run = lock_run(run_id)
        if later := newest_of(run):
            raise StillNeeded(run.pk, run.state, later.pk)
        root = run.root_id or run.pk
        Run.objects.filter(pk=run.pk).update(
            deleted=True, retry_of=None, root=None, params={}, result=None, upload_bytes=None
        )
        announce_change(run.pk)
        if not Run.objects.filter(Q(root=root) | Q(pk=root)).exists():
            stored = params.stored_files(run.params)
            transaction.on_commit(lambda: files.discard(stored))


def clear_away(seconds: float = AT_ONCE) -> None:
    """Remove what is left of deleted runs, for at most so many seconds. A run's row stays while a key names it."""
    turns, until = Turns(), time.monotonic() + seconds
    for run_id in left_over():
        if not all(is_emptied(rows, turns, until) for rows in rows_of(run_id)):
            return
        drop(run_id)


def left_over() -> list[UUID]:
    """The deleted runs that have anything to be removed; the newest first, since they may have retried the others."""
    parts = Part.objects.filter(run=OuterRef("pk"))
    found = Run.everything.filter(Q(idempotency_keys=None) | Exists(parts), deleted=True)
    return list(found.order_by("-created_at").values_list("pk", flat=True)[:100])


def rows_of(run_id: UUID) -> list[QuerySet[Model]]:
    """What belongs to the run, in the order in which it may go."""
    kinds: tuple[type[Model], ...] = (ItemOutcome, Block, LogLine, Selection, Part)
    found = Discovery.objects.order_by()
    known = [found.filter(run=run_id), found.filter(part__in=Part.objects.filter(run=run_id))]  # of a chain; of itself
    return [*known, *(kind._default_manager.filter(run=run_id).order_by() for kind in kinds)]


def is_emptied(rows: QuerySet[Model], turns: Turns, until: float) -> bool:
    """Whether all of these rows are gone, when the time is over at the latest."""
    bite = FIRST_BITE
    while rows.exists():
        if time.monotonic() > until:
            return False
        with write():
            began = time.monotonic()
            rows.model._default_manager.filter(pk__in=rows.values("pk")[:bite]).delete()
            seconds = time.monotonic() - began
        bite = max(1, min(BIGGEST_BITE, int(bite * BITE / seconds)))
        turns.give_way()
    return True


def drop(run_id: UUID) -> None:
    """Remove the row itself, where nothing refers to it."""
    row = Run.everything.filter(pk=run_id, deleted=True, idempotency_keys=None, retried_by_parts=None)
    if row.exists():
        try:
            with write():
                row.delete()
        except (ProtectedError, RestrictedError):
            pass  # by the project's own tables; no caller sees it any more
