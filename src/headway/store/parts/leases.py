"""Who owns a part, and for how long: claim, renew, release, and what an owner may still believe after a fault.

A claim draws a new random token; every later write asks for it. After a silence of a lease the next worker that claims
the part owns it, and the old owner finds no row any more.
"""

import secrets
from dataclasses import dataclass
from functools import cache
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import BigIntegerField, Case, F, JSONField, Q, Subquery, Value, When
from django.db.models.functions import Coalesce, Least, Now

from headway.conf import conf
from headway.database import NowMs, idle_timeout_ms, is_transient, write
from headway.database.statements import First, Given, Rows, Update, UpdateOne
from headway.models import Kind, Part, Run
from headway.signals import part_taken_over
from headway.states import MOVES, Event, State, Want, after
from headway.store.announcing import announce_change

from . import holds, shared_holds
from .candidates import ANYBODYS, Candidate, Candidates
from .outcomes import LONGEST_DETAIL, storable

TRIED_AGAIN = "The database failed; it is tried again."
MOST_CAREFUL = 4_000  # items: as many as a chunk has at most
CHUNK_MS = 1_600  # four times what a chunk may take, since some items are quicker than a part's average
SLOW_ITEM_MS = 1_000  # so slow an item has a chunk of its own anyway
LOCK_TIMEOUT_MS = 5_000
STEP_LIMIT = 900.0  # s that planning and finishing may take: a selection of millions is copied in minutes


class Fenced(Exception):
    """The part isn't ours any more, or has moved on without us: all that this worker holds in memory is void."""


@dataclass(frozen=True)
class Look:
    """What an owner sees when it looks up between two chunks."""

    want: Want
    least_served_ms: int | None
    """What the least served of the others that wait has had of workers' time; None: none waits."""


def fenced(statement: Update | Rows, part: Part, **given: Any) -> None:
    """Run a statement about a part that must stand `AS_WE_LEFT_IT`. Raises Fenced when it finds no such row."""
    if not statement(part=part.pk, token=part.token, seq=part.seq, **given):
        raise Fenced


def claim(worker: str, pick: int, candidates: Candidates = ANYBODYS) -> Part | None:
    """The part that should go on next, now owned by `worker`; None when nothing is due.

    `pick` counts a worker's claims, of which some go by age.
    """
    for candidate in candidates.first(pick):
        if candidate.token is not None:
            end_session_of(candidate.token)
        try:
            if candidate.lacks_holds and not shared_holds.obtain(candidate.run_id):
                continue
            if part := take(candidate, worker):
                if part.resumes > candidate.resumes:
                    part_taken_over.send_robust(sender=Part, run_id=part.run_id)
                return part
        except Exception as error:
            if not is_transient(error):
                raise  # else another transaction holds the row just now: the next candidate, or the next poll
    return None


def take(candidate: Candidate, worker: str) -> Part | None:
    """The part, if it was still due. A worker that takes a run's planning part has begun the run.

    A run that holds names has taken all of them by then; where it can't, it stands in their lines, and this gives None.
    """
    token = secrets.randbits(62)
    with write():
        fence_session(token)
        if candidate.lacks_holds:
            if not holds.take(candidate.run_id):
                return None
            Part.objects.filter(run=candidate.run_id).update(lacks_holds=False)
        # The run's lock comes first, always.
        begun = BEGIN(id=candidate.run_id) if candidate.kind == Kind.PLAN else None
        if begun:
            announce_change(candidate.run_id)
        # What it returns is the part after the update: before it, the old owner may still move the cursor.
        part = TAKE(part=candidate.id, token=token, worker=worker, lease=lease_ms())
        if part is None:
            transaction.set_rollback(True)  # the worker that was quicker has begun the run
            return None
        run: Any = begun or RUN(id=part.run_id)  # it lives as long as its parts do
        part.run = run
        return part


BEGIN: UpdateOne[Run] = UpdateOne(  # None when something else is wanted, which the owners of its parts will see
    Run.objects.filter(
        pk=Given("id", Run), want=Want.RUN, state__in=[move.before for move in MOVES if move.event == Event.BEGIN]
    ),
    state=after(State.QUEUED, Event.BEGIN),
    started_at=Coalesce("started_at", Now()),
    revision=F("revision") + 1,
    changed=NowMs(),
)


def if_else(condition: Q, then: Any, default: Any) -> Case:
    """A whole number by a condition on the row as it was."""
    return Case(When(condition, then=then), default=default, output_field=BigIntegerField())


PROCESSED = F("succeeded") + F("failed") + F("skipped")
HELD_BY_A_CHUNK = if_else(  # the item that killed the last owners is among so many
    Q(worked_ms=0), Value(MOST_CAREFUL), Least(Value(MOST_CAREFUL), PROCESSED * CHUNK_MS / F("worked_ms") + 1)
)
OURS = Part.objects.filter(pk=Given("part"), token=Given("token"))
AS_WE_LEFT_IT = OURS.filter(seq=Given("seq"))
NEVER_RELEASED = Q(token__isnull=False)
# Most owners die of a deploy or of another's memory. So the first of them is followed as if nothing had been.
DIED_THERE_AGAIN = NEVER_RELEASED & (Q(suspected__gt=0) | Q(worked_ms__gt=PROCESSED * SLOW_ITEM_MS))
RUN = First(Run.objects.filter(pk=Given("id", Run)).order_by())
TAKE: UpdateOne[Part] = UpdateOne(
    # Since it was seen as due, its run may have been paused and resumed: then it has its holds no longer.
    Part.objects.filter(pk=Given("part"), due__lte=NowMs(), lacks_holds=False),
    due=NowMs() + Given("lease"),
    token=Given("token"),
    worker=Given("worker", Part),
    tries=if_else(NEVER_RELEASED, F("tries") + 1, F("tries")),
    seq=if_else(NEVER_RELEASED, F("seq") + 1, F("seq")),  # `resumes` is news to watchers
    resumes=if_else(NEVER_RELEASED, F("resumes") + 1, F("resumes")),
    suspected=if_else(NEVER_RELEASED, HELD_BY_A_CHUNK, F("suspected")),
    careful=if_else(DIED_THERE_AGAIN, HELD_BY_A_CHUNK, F("careful")),
    pace=Case(When(NEVER_RELEASED, then=Value([], JSONField())), default=F("pace")),  # no worker isn't slowness
    waits=Value(""),
    changed=NowMs(),
)


def renew(run_id: UUID, token: int) -> bool:
    """Another lease from now, for what of the run carries this token; False when nothing does any more.

    By the run, not by the part: the last part that closes hands its token on to the finish part.
    """
    with write():
        return bool(RENEW(run=run_id, token=token, lease=lease_ms()))


RENEW = Update(Part.objects.filter(run=Given("run", Part), token=Given("token")), due=NowMs() + Given("lease"))


def release(part: Part, after_ms: int = 0) -> bool:
    """Give the part back, due after so many ms. False when it isn't ours, or something else than to run is wanted."""
    with write():
        return bool(RELEASE(part=part.pk, token=part.token, after=after_ms))


def leave(part: Part) -> bool:
    """The same by a worker that ends: until another comes, which may take long, nothing counts as slowness."""
    with write():
        return bool(LEAVE(part=part.pk, token=part.token, after=0))


RELEASED: dict[str, Any] = {"token": None, "due": NowMs() + Given("after"), "tries": 0, "changed": NowMs()}
RELEASE = Update(OURS.filter(want=Want.RUN), **RELEASED)
LEAVE = Update(OURS.filter(want=Want.RUN), **RELEASED, pace=[])


def look(part: Part, rivals: Candidates = ANYBODYS) -> Look:
    """What is wanted, and whether `rivals` wait for a worker. Raises Fenced when the part isn't ours any more.

    The run's own parts don't wait for each other, unless one was left by an owner that is gone: it looks stalled.
    """
    for want, least_served_ms in looking_for(rivals)(part=part.pk, token=part.token, run=part.run_id):
        return Look(Want(want), least_served_ms)
    raise Fenced


@cache
def looking_for(rivals: Candidates) -> Rows:
    others = rivals.least_served_first().exclude(pk=Given("part")).exclude(SIBLINGS)
    return Rows(OURS.annotate(least=Subquery(others.values("served_ms")[:1])).values_list("want", "least"))


SIBLINGS = Q(run=Given("run", Part), token__isnull=True)


def reclaim(part: Part) -> Part | None:
    """What of the run still carries our token, as the database has it, for another lease: after a lost connection.

    It is counted as a setback. This worker lives, so the item in hand has killed none.
    """
    with write():
        fence_session(part.token or 0)
        mine = Part.objects.filter(run=part.run_id, token=part.token)
        mine.update(due=NowMs() + lease_ms(), **SET_BACK)
        return mine.select_related("run").first()


def set_back(part: Part, after_ms: int, detail: str) -> bool:
    """Give the part back like `release`, counting a setback: the database failed at one place again and again.
    `detail`: the error, which staff read once the run pauses."""
    with write():
        Run.objects.filter(pk=part.run_id, want=Want.RUN).update(reason_detail=storable(detail, LONGEST_DETAIL))
        mine = Part.objects.filter(pk=part.pk, token=part.token, want=Want.RUN)
        return bool(mine.update(token=None, due=NowMs() + after_ms, tries=0, **SET_BACK))


SET_BACK: dict[str, Any] = {
    "setbacks": F("setbacks") + 1,
    "deaths": 0,
    # From the second one on, item by item: so the place moves up to the item that is the cause.
    "careful": if_else(Q(setbacks__gte=1), HELD_BY_A_CHUNK, F("careful")),
    "message": TRIED_AGAIN,
    "pace": [],
    "seq": F("seq") + 1,  # news to watchers
    "changed": NowMs(),
}


def give_up_parts_of(worker: str, *, released: bool = False) -> int:
    """Make the parts of a worker that is gone due at once; how many there were.

    Their token stays, so that it counts as a death; `released`: the worker was ended by us, not by an item.
    """
    left = Part.objects.filter(worker=worker, token__isnull=False)
    undone: dict[str, Any] = {}
    if released:
        undone = {"token": None, "pace": [], "deaths": if_else(Q(deaths__gt=0), F("deaths") - 1, F("deaths"))}
    with write():
        return left.update(due=NowMs(), changed=NowMs(), **undone)


def lease_ms() -> int:
    return round(conf().lease_seconds * 1000)


def fence_session(token: int) -> None:
    """On PostgreSQL, name the session after its token, so that a successor can end it; and bound its waits, with
    what planning may take, as that comes first.

    A frozen owner may hold row locks in its open transaction; fenced or not, its successor would wait for them.
    The open transaction's COMMIT then returns before it is on disk: the next thing that the owner commits puts the
    claim there too, and if the server crashes before, the part is due as it was, and its owner finds no row.
    """
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('application_name', %s, false), set_config('lock_timeout', %s, false), "
            "set_config('idle_in_transaction_session_timeout', %s, false), "
            "set_config('synchronous_commit', 'off', true)",
            [f"headway:{token}", str(LOCK_TIMEOUT_MS), idle_timeout_ms(STEP_LIMIT)],
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
