"""A run is started once: the unique `live_key` decides, never a look-up."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from django.db import OperationalError, connection

from headway.database import NowMs, is_transient, outside_transaction, write
from headway.database.statements import First, Given, Insert
from headway.models import Run
from headway.operations.concurrency import OnConflict
from headway.store.announcing import announce_change, announce_due
from headway.store.locks import lock_run
from headway.store.runs import control

from . import keys, quotas
from .queueing import stand_in_line
from .requests import Disposition, Request, add_planning_part, new_run

turns = [threading.Lock() for _ in range(64)]
LONGEST_TURN = 1.0  # s
ATTEMPTS = 20  # each means that the live run ended just then; twenty in a row would be a bug, not bad luck
LINES = (OnConflict.QUEUE, OnConflict.REPLACE)


def submit(request: Request) -> tuple[Run, Disposition]:
    """(the run that this request comes to, how). A run that is `joined` may be another's, with other parameters:
    whether the caller gets it is for the caller to judge.

    A run that is found is joined. Where none is, the INSERT decides: a start that loses the race reads the winner.
    Raises IdempotencyKeyReused, InTheWay, QuotaExceeded, RunNotFound.
    """
    for attempt in range(ATTEMPTS):
        if request.idempotency and (named := keys.replayed(request.idempotency)):
            return named, Disposition.REPLAYED
        try:
            with in_turn(request.key):
                there = found(request)
                if there is None and (created := insert(request)):
                    return created, Disposition.CREATED
            if there and (placed := place(request, there, by_turns=attempt > 0)):
                return placed
        except keys.Overtaken:
            pass  # by a run with this key, which may be live still
        except OperationalError as error:
            if came := committed_since(request, error):
                return came
            raise
    raise RuntimeError(
        f"The live run of {request.operation} could neither be created nor read {ATTEMPTS} times in a row."
    )


def found(request: Request) -> Run | None:
    """The run that is in the way of this one: the live one, or the one that retries the same."""
    return LIVE(live_key=request.key) or (retried_as(request.retry_of.pk) if request.retry_of else None)


def committed_since(request: Request, error: OperationalError) -> tuple[Run, Disposition] | None:
    """What the request comes to by a run that another start has committed since the caller's own transaction took its
    snapshot: in REPEATABLE READ that run can be neither seen nor doubled there. None: there is none."""
    if connection.vendor != "postgresql" or not connection.in_atomic_block or not is_transient(error):
        return None
    if request.on_conflict in LINES:
        return None

    def look() -> tuple[Run, Disposition] | None:
        if request.idempotency and (named := keys.replayed(request.idempotency)):
            return named, Disposition.REPLAYED
        there = found(request)
        return (there, Disposition.JOINED) if there else None

    return outside_transaction(look)


def place(request: Request, there: Run, by_turns: bool) -> tuple[Run, Disposition] | None:
    """What this request comes to while another run is there; None: it has ended since."""
    return stand_in_line(request, by_turns) if request.on_conflict in LINES else (there, Disposition.JOINED)


@contextmanager
def in_turn(key: str) -> Iterator[None]:
    """One thread of this process after the other, for the same key.

    A courtesy to the database, not the guard: of two hundred threads one tries to insert, and the others find its run.
    A start that waits too long goes on regardless, since the one before may wait for this one's transaction.
    """
    turn = turns[hash(key) % len(turns)]
    mine = turn.acquire(timeout=LONGEST_TURN)
    try:
        yield
    finally:
        if mine:
            turn.release()


LIVE = First(Run.objects.filter(live_key=Given("live_key", Run)).order_by())


def insert(request: Request) -> Run | None:
    """The run and its planning part, in one transaction; None when another one holds the key (or retried first).

    Raises Overtaken, QuotaExceeded, and RunNotFound when the run that it retries has been deleted meanwhile.
    """
    run = new_run(request, live_key=request.key)
    with write():
        old = lock_run(request.retry_of.pk) if request.retry_of else None
        if not GET_IN(run):
            return None
        if old:
            control.save(old)  # its snapshot names its retry
        quotas.check_new(request, run)
        add_planning_part(run)
        announce_due(run.operation)
        announce_change(run.pk)
        if request.idempotency:
            keys.claim(request.idempotency, run)
        return run


# ON CONFLICT DO NOTHING: an IntegrityError would break the caller's own transaction.
GET_IN = Insert(Run, unless_there=True, changed=NowMs())


def retried_as(run_id: UUID) -> Run | None:
    """The run that retries this one."""
    return Run.objects.filter(retry_of=run_id).first()


def newest_of(run: Run) -> Run | None:
    """The end of the chain of runs that retry this one; None when it hasn't been retried."""
    newest = None
    while later := retried_as((newest or run).pk):
        newest = later
    return newest
