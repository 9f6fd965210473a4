"""Telling what has been stored, once it is committed; and at once, that a start was refused. This module doesn't know
its listeners."""

from functools import partial
from uuid import UUID

from django.db import transaction

from headway.models import Part, Run
from headway.signals import parts_due, run_changed, start_answered


def announce_due(operation: str, parts: int = 1) -> None:
    """Once this transaction is committed: so many parts of the operation can be claimed."""
    if parts:
        transaction.on_commit(partial(parts_due.send_robust, sender=Part, operation=operation, parts=parts))


def announce_change(run_id: UUID) -> None:
    """Once this transaction is committed: the run has changed."""
    transaction.on_commit(partial(run_changed.send_robust, sender=Run, run_id=run_id))


def announce_answer(operation: str, disposition: str, run_id: UUID) -> None:
    """Once this transaction is committed: a start has its answer, this run."""
    transaction.on_commit(
        partial(start_answered.send_robust, sender=Run, operation=operation, disposition=disposition, run_id=run_id)
    )


def announce_refusal(operation: str) -> None:
    """At once, as the caller's transaction may well be rolled back: a start was refused for the sake of a live run."""
    start_answered.send_robust(sender=Run, operation=operation, disposition="refused", run_id=None)
