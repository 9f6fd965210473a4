"""A run is started once: the unique `live_key` decides, never a look-up."""

import hashlib
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from headway.clock import NowMs
from headway.models import Kind, Part, Run

from .database import Overtaken, write

__all__ = ["Disposition", "Request", "hash_key", "retried_as", "submit"]

turns = [threading.Lock() for _ in range(64)]
LONGEST_TURN = 1.0  # s
ATTEMPTS = 20  # each means that the live run ended just then; twenty in a row would be a bug, not bad luck


class Disposition(StrEnum):
    """What a start came to."""

    CREATED = "created"
    JOINED = "joined"


@dataclass(frozen=True)
class Request:
    """A run to be: everything that its row needs."""

    operation: str
    params: dict[str, Any]
    fingerprint: str
    key: str
    language: str
    started_by_id: Any = None
    retry_of: Run | None = None


def submit(request: Request) -> tuple[Run, bool]:
    """(the run with this key that is live now, whether this call created it). The run may be another one's.

    Insert first: whoever loses the race reads the winner. Nothing is counted or read before.
    """
    for _ in range(ATTEMPTS):
        # The fast path: most duplicates arrive while the run is live, and cost one read.
        if there := found(request):
            return there, False
        with in_turn(request.key) as waited:
            if waited and (there := found(request)):
                return there, False
            try:
                if created := insert(request):
                    return created, True
            except Overtaken:
                pass  # by a run with this key, which may be live still
    raise RuntimeError(
        f"The live run of {request.operation} could neither be created nor read {ATTEMPTS} times in a row."
    )


def found(request: Request) -> Run | None:
    """The run that is in the way of this one: the live one, or the one that retries the same."""
    return live_run(request.key) or (retried_as(request.retry_of.pk) if request.retry_of else None)


@contextmanager
def in_turn(key: str) -> Iterator[bool]:
    """One thread of this process after the other, for the same key; gives whether it had to wait.

    A courtesy to the database, not the guard: two hundred threads need not all ask it to say no. Whoever waits too
    long goes on regardless, since the one before may wait for a transaction of ours.
    """
    turn = turns[hash(key) % len(turns)]
    at_once = turn.acquire(blocking=False)
    mine = at_once or turn.acquire(timeout=LONGEST_TURN)
    try:
        yield not at_once
    finally:
        if mine:
            turn.release()


def live_run(key: str) -> Run | None:
    """The run that holds this key now."""
    return Run.objects.filter(live_key=key).first()


def insert(request: Request) -> Run | None:
    """The run and its planning part, in one transaction; None when another one holds the key (or retried first).

    Raises Overtaken when another one got the key while this one waited for its turn to write.
    """
    run = Run(
        id=uuid.uuid4(),  # made here, so that "did mine get in?" can be asked
        operation=request.operation,
        started_by_id=request.started_by_id,
        language=request.language,
        params=request.params,
        fingerprint=request.fingerprint,
        live_key=request.key,
        concurrency_key=request.key,
        retry_of=request.retry_of,
        root_id=(request.retry_of.root_id or request.retry_of.pk) if request.retry_of else None,
        changed=NowMs(),
    )
    with write(is_overtaken=lambda: live_run(request.key) is not None):
        # ON CONFLICT DO NOTHING: an IntegrityError would break the caller's own transaction.
        Run.objects.bulk_create([run], ignore_conflicts=True)
        mine = Run.objects.filter(pk=run.pk).first()
        if mine is not None:
            Part.objects.create(run=mine, kind=Kind.PLAN, due=NowMs(), changed=NowMs())
        return mine


def hash_key(operation: str, concurrency_key: Any) -> str:
    """SHA-256 over the operation and its concurrency key, which may be any JSON value. Raises TypeError otherwise."""
    canonical = json.dumps([operation, concurrency_key], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def retried_as(run_id: UUID) -> Run | None:
    """The run that retries this one."""
    return Run.objects.filter(retry_of=run_id).first()
