"""Holds that services with databases of their own share over Redis: taken once the run has them here, and kept no
longer.

What the database says is the truth among its runs, and Redis among services. Redis is asked outside the store's
transactions; only a chunk asks once more, before it commits.
"""

from uuid import UUID

from django.db.models import F

from headway import redis_holds
from headway.database import NowMs, write
from headway.models import Hold, Part, Run
from headway.redis_holds import HeldElsewhere, Unreachable
from headway.states import Want
from headway.store.announcing import announce_change
from headway.store.locks import lock_run

from . import holds

ASKED_AGAIN_MS = 500
AWAY = "The server that keeps its holds doesn't answer. It goes on by itself once that does."


def obtain(run_id: UUID) -> bool:
    """Whether the run has its names: here and, where the project has one for that, over Redis; otherwise it waits.
    Before the claim of a part that lacks its holds, in no transaction.

    In a transaction before the claim's, which may be forgotten if PostgreSQL crashes: a number that was told to others
    must not be drawn again.
    """
    with write():
        if not holds.take(run_id):
            return False
    server = redis_holds.server()
    if server is None:
        return True
    held = holds.held_by(run_id)
    try:
        return bool(held) and note(run_id, held.owner, server.take(held.owner, list(held.fences)))
    except HeldElsewhere as error:
        wait(run_id, f"Another service comes first for “{error.name}”. It goes on by itself after that one.")
    except Unreachable:
        wait(run_id, AWAY)
    return False


def note(run_id: UUID, owner: str, numbers: dict[str, int]) -> bool:
    """Store the numbers of the taking, if the run still holds the names."""
    with write():
        lock_run(run_id)
        if holds.held_by(run_id).owner == owner:
            for name, number in numbers.items():
                Hold.objects.filter(run=run_id, name=name).update(fence=number)
            return True
    redis_holds.release(owner, list(numbers))  # it was paused, or has ended, meanwhile
    return False


def wait(run_id: UUID, why: str) -> None:
    """Let the run's parts be due again in a moment."""
    with write():
        due = Part.objects.filter(run=run_id, lacks_holds=True, token=None, due__lte=NowMs())
        if due.exclude(waits=why).update(waits=why, seq=F("seq") + 1, changed=NowMs()):
            announce_change(run_id)
        due.update(due=NowMs() + ASKED_AGAIN_MS)


def lose(part: Part) -> bool:
    """The part's owner found that its run doesn't hold its names over Redis any more: give the part back, to be claimed
    once they are taken again. False when it isn't ours, or something else than to run is wanted.
    """
    with write():
        lock_run(part.run_id)
        mine = Part.objects.filter(run=part.run_id, token=part.token, want=Want.RUN)
        given = mine.update(token=None, due=NowMs(), tries=0, seq=F("seq") + 1, changed=NowMs())
        if given:
            Part.objects.filter(run=part.run_id).update(lacks_holds=True)
            announce_change(part.run_id)
        return bool(given)


def renew_all() -> None:
    """Renew what the runs of this database hold: also of those that no worker has in hand just now."""
    server = redis_holds.server()
    if server is None:
        return
    for run_id in Run.objects.filter(hold_places__held__isnull=False).distinct().values_list("pk", flat=True):
        held = holds.held_by(run_id)
        try:
            server.renew(held.owner, held.fences)
        except Unreachable:
            return
