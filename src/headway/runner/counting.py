"""Counts a run's total in a thread of its own, so that neither the start nor the work waits for it."""

import logging
import threading
from typing import Any
from uuid import UUID

from django.db import connections

from headway.database import bound_idle_transactions, is_seen_by_no_other
from headway.models import Kind, Part
from headway.operations.sources import Source
from headway.store.parts import discoveries, planning
from headway.store.parts.failed import count_failed

from .reading import added_in, failed_of

log = logging.getLogger(__name__)
under_way: set[UUID] = set()
not_again: set[UUID] = set()  # those that could not be counted: the next slice would meet the same
lock = threading.Lock()

HEAD_START = 0.05  # s for the first item, which a connection more at that moment would hold up by 5 to 8 ms


def count_in_background(part: Part, source: Source[Any]) -> None:
    """Start counting in a moment, unless the total is known, we are at it, or an earlier part's owner will be.

    One of several workers does it: it may be as much reading as the work itself. In a project's test it is done at
    once: no thread sees what is in the test's own transaction, or may write beside it into a database in memory.
    """
    run = part.run
    with lock:
        if run.total is not None or run.pk in under_way | not_again:
            return
        under_way.add(run.pk)
    if is_seen_by_no_other():
        add_up(part, source)
        return
    thread = threading.Timer(HEAD_START, count, (part, source))
    thread.name, thread.daemon = f"headway-count-{run.pk}", True
    thread.start()


def count(part: Part, source: Source[Any]) -> None:
    """The thread's life."""
    try:
        add_up(part, source)
    finally:
        connections.close_all()


def add_up(part: Part, source: Source[Any]) -> None:
    """Add up the parts and store the sum; where a part can't be counted, the total stays open."""
    run_id = part.run_id
    try:
        if not is_seen_by_no_other():
            bound_idle_transactions(0)  # frozen as it writes, it must not keep the run's row from all others
        parts = Part.objects.filter(run_id=run_id, kind=Kind.ITEMS)
        if parts.filter(closed=False, pk__lt=part.pk).exists():
            return
        counts = [count_part(each, source) for each in parts]
        known = [number for number in counts if number is not None]
        if len(known) == len(counts):
            planning.set_total(run_id, sum(known))
    except Exception:
        log.warning("run=%s event=count-failed", run_id, exc_info=True)
        with lock:
            not_again.add(run_id)
    finally:
        with lock:
            under_way.discard(run_id)


def count_part(part: Part, source: Source[Any]) -> int | None:
    """How many items this part holds for this run."""
    counted: int | None
    if part.retries_id is not None and (found := added_in(part)):
        counted = discoveries.count(*found)
    elif part.retries_id is not None:
        counted = count_failed(part.retries_id, *failed_of(part))
    else:
        counted = source.count(part.bounds)
    return None if counted is None else max(0, counted - part.before)
