"""Who owns a part, and for how long: claim, renew, release, and what an owner may still believe after a fault.

A claim draws a new random token; every later write asks for it. An owner that was silent for a lease is followed by
whoever claims next, and finds no row any more.
"""

import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import BigIntegerField, Case, Exists, F, Q, Value, When

from headway.clock import NowMs
from headway.conf import conf
from headway.models import Kind, Part
from headway.signals import part_taken_over
from headway.states import Want

from .database import is_transient, write

__all__ = [
    "CAREFUL_ITEMS",
    "Fenced",
    "Look",
    "claim",
    "give_up_parts_of",
    "look",
    "reclaim",
    "release",
    "renew",
    "reread",
]

CANDIDATES = 8  # so that workers who see the same list don't come away empty-handed
CAREFUL_ITEMS = 4_000  # a chunk's most: the item that killed the last owner is among them
WORKED_LITTLE_MS = 10_000
LOCK_TIMEOUT_MS = 5_000


class Fenced(Exception):
    """The part isn't ours any more, or has moved on without us: whatever we hold in memory is void."""


@dataclass(frozen=True)
class Look:
    """What an owner sees when it looks up between two chunks."""

    want: Want
    others_wait: bool


def claim(worker: str, pick: int, among: Q | None = None) -> Part | None:
    """The part that should go on next, now owned by `worker`; None when nothing is due.

    `pick` counts a worker's claims: on odd ones the short and the interrupted go first, on even ones the long.
    `among`: what must be true of the part; None: any.
    """
    for part_id, old_token, resumes in candidates(pick, among):
        if old_token is not None:
            end_session_of(old_token)
        try:
            if part := take(part_id, worker):
                if part.resumes > resumes:
                    part_taken_over.send_robust(sender=Part, run_id=part.run_id)
                return part
        except Exception as error:
            if not is_transient(error):
                raise  # else somebody holds the row just now: the next candidate, or the next poll
    return None


def candidates(pick: int, among: Q | None = None) -> list[tuple[int, int | None, int]]:
    """(id, token, resumes) of parts that are due, those first that should go first."""
    long = When(worked_ms__gte=WORKED_LITTLE_MS, then=Value(0 if pick % 2 == 0 else 4))
    # Once only: a part whose owners keep dying must not go before everybody for ever.
    interrupted = When(token__isnull=False, tries__lte=1, then=Value(1))
    fresh = When(seq=0, kind=Kind.PLAN, then=Value(2))  # a run that has never begun, not each part of one that has
    order = (long, interrupted, fresh) if pick % 2 == 0 else (interrupted, fresh, long)
    return list(
        Part.objects.filter(Q() if among is None else among, due__lte=NowMs())
        .order_by(Case(*order, default=Value(3)), "due", "id")
        .values_list("id", "token", "resumes")[:CANDIDATES]
    )


def take(part_id: int, worker: str) -> Part | None:
    """The part, if it was still due: one guarded UPDATE, then a read of what it says, in one transaction."""
    token = secrets.randbits(62)
    never_released = Q(token__isnull=False)
    with write():
        fence_session(token)
        taken = Part.objects.filter(pk=part_id, due__lte=NowMs()).update(
            due=NowMs() + lease_ms(),
            token=token,
            worker=worker,
            tries=F("tries") + 1,
            seq=if_else(never_released, F("seq") + 1, F("seq")),  # `resumes` is news to watchers
            resumes=if_else(never_released, F("resumes") + 1, F("resumes")),
            careful=if_else(never_released, Value(CAREFUL_ITEMS), F("careful")),
            changed=NowMs(),
        )
        # The cursor must be read after the update: before it, the old owner may still move it.
        return Part.objects.select_related("run").get(pk=part_id) if taken else None


def if_else(condition: Q, then: Any, default: Any) -> Case:
    """A whole number by a condition on the row as it was."""
    return Case(When(condition, then=then), default=default, output_field=BigIntegerField())


def renew(run_id: UUID, token: int) -> bool:
    """Another lease from now, for what of the run carries this token; False when nothing does any more.

    By the run, not by the part: the last part that closes hands its token on to the finish part.
    """
    return bool(Part.objects.filter(run=run_id, token=token).update(due=NowMs() + lease_ms()))


def release(part: Part, after_ms: int = 0) -> bool:
    """Give the part back, due after so long. False when it isn't ours, or something else than to run is wanted."""
    return bool(
        Part.objects.filter(pk=part.pk, token=part.token, want=Want.RUN).update(
            token=None, due=NowMs() + after_ms, tries=0, changed=NowMs()
        )
    )


def look(part: Part) -> Look:
    """What is wanted, and whether others wait for a worker. Raises Fenced when the part isn't ours any more.

    The run's own parts don't wait for each other, unless one was left by an owner who is gone: it looks stalled.
    """
    siblings = Q(run=part.run_id, token__isnull=True)
    waiting = Part.objects.filter(due__lte=NowMs()).exclude(pk=part.pk).exclude(siblings)
    seen = (
        Part.objects.filter(pk=part.pk, token=part.token)
        .annotate(others_wait=Exists(waiting))
        .values_list("want", "others_wait")
        .first()
    )
    if seen is None:
        raise Fenced
    return Look(Want(seen[0]), seen[1])


def reclaim(part: Part) -> Part | None:
    """What of the run still carries our token, as the database has it, for another lease: after a lost connection.

    We live, so the item in hand has killed nobody.
    """
    with write():
        fence_session(part.token or 0)
        mine = Part.objects.filter(run=part.run_id, token=part.token)
        mine.update(due=NowMs() + lease_ms(), deaths=0)
        return mine.select_related("run").first()


def reread(part: Part) -> Part:
    """The part as the database has it, after a transaction of ours. Raises Fenced when it isn't ours any more."""
    mine = Part.objects.select_related("run").filter(pk=part.pk, token=part.token).first()
    if mine is None:
        raise Fenced
    return mine


def give_up_parts_of(worker: str, *, released: bool = False) -> int:
    """Make the parts of a worker that is gone due at once; how many there were.

    Their token stays, so that the next owner is careful; `released`: the worker was ended by us, not by an item.
    """
    left = Part.objects.filter(worker=worker, token__isnull=False)
    if released:
        undone = if_else(Q(deaths__gt=0), F("deaths") - 1, F("deaths"))
        return left.update(due=NowMs(), token=None, deaths=undone, changed=NowMs())
    return left.update(due=NowMs(), changed=NowMs())


def lease_ms() -> int:
    return round(conf().lease_seconds * 1000)


def fence_session(token: int) -> None:
    """On PostgreSQL, name the session after its token, so that who takes over can end it; and bound its waits.

    A frozen owner may hold row locks in its open transaction; fenced or not, its successor would wait for them.
    The open transaction's COMMIT then returns before it is on disk: whatever the owner commits afterwards puts the
    claim there too, and if the server crashes before, the part is due as it was, and its owner finds no row.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('application_name', %s, false), set_config('lock_timeout', %s, false), "
            "set_config('synchronous_commit', 'off', true)",
            [f"headway:{token}", str(LOCK_TIMEOUT_MS)],
        )


def end_session_of(token: int) -> None:
    """On PostgreSQL, end the session that still carries this token, if it idles inside a transaction.

    By name and state, never by a remembered pid: pids are used again, and poolers share sessions.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = %s AND state LIKE 'idle in transaction%%' AND pid <> pg_backend_pid()",
            [f"headway:{token}"],
        )
