"""Holds: names that belong to one run at a time, from its first claim to the transaction that ends or pauses it.

They belong to the run, not to its workers: all or nothing, by lines in which nobody overtakes, freed by no timer.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef

from headway import redis_holds
from headway.database import NowMs, write
from headway.errors import RunNotFound
from headway.models import Hold, Part, Run
from headway.states import Want
from headway.store.announcing import announce_change, announce_due
from headway.store.locks import lock_run


@dataclass(frozen=True)
class Held:
    """What a run holds since one taking."""

    owner: str = ""
    """What no other taking is called."""
    fences: dict[str, int] = field(default_factory=dict)
    """The names, each with the number of this taking."""

    def __bool__(self) -> bool:
        return bool(self.fences)


NOTHING = Held()


def take(run_id: UUID) -> bool:
    """Whether the run has all its holds now. Otherwise it stands in the line of each, and none of its parts is due
    until one of these lines moves on.

    In a transaction. The id of the place is the fence: a name's places are made in turns, so they grow.
    """
    try:
        run = lock_run(run_id)
    except RunNotFound:
        return False
    if run.is_done or run.want != Want.RUN:
        return False  # since it was seen as due
    Hold.objects.bulk_create([Hold(run=run, name=name) for name in run.holds or ()], ignore_conflicts=True)
    if Hold.objects.filter(BEHIND_ANOTHER, run=run).exists():
        move_parts(run_id, due=None)
        return False
    Hold.objects.filter(run=run, held=None).update(held=F("name"), fence=F("id"))
    return True


BEHIND_ANOTHER = Exists(Hold.objects.filter(name=OuterRef("name"), id__lt=OuterRef("id")))


def free(run: Run) -> None:
    """Give back what the run holds, and its places. The runs that are the first in a line now may try to take
    theirs: nothing is asked here, since another of their lines may be moving on at this moment.

    Under the run's lock.
    """
    if not run.holds:
        return
    if held := held_by(run.pk):
        transaction.on_commit(partial(redis_holds.release, held.owner, list(held.fences)))
    Hold.objects.filter(run=run).delete()
    Part.objects.filter(run=run).update(lacks_holds=True)  # it may be resumed
    first = (Hold.objects.filter(name=name).order_by("id").first() for name in run.holds)
    for run_id in sorted({place.run_id for place in first if place and not place.held}):
        promote(run_id)


def promote(run_id: UUID) -> None:
    if parts := move_parts(run_id, due=NowMs()):
        announce_due(Run.objects.values_list("operation", flat=True).get(pk=run_id), parts)


def move_parts(run_id: UUID, **columns: Any) -> int:
    """Change what of a run waits for its holds, and tell of it; gives how many parts."""
    waiting = Part.objects.filter(run=run_id, lacks_holds=True, token=None, closed=False, want=Want.RUN)
    announce_change(run_id)
    return waiting.update(seq=F("seq") + 1, changed=NowMs(), **columns)


def held_by(run_id: UUID) -> Held:
    """What the run holds now."""
    places = list(Hold.objects.filter(run=run_id, held__isnull=False).order_by("id"))
    return Held(f"{run_id}/{places[0].pk}", {place.name: place.fence or 0 for place in places}) if places else NOTHING


def wanted_by(run_ids: Iterable[UUID]) -> dict[UUID, list[str]]:
    """The names for which these runs stand in line behind another."""
    places = Hold.objects.filter(BEHIND_ANOTHER, run__in=run_ids, held=None).order_by("name")
    found: dict[UUID, list[str]] = {}
    for run_id, name in places.values_list("run_id", "name"):
        found.setdefault(run_id, []).append(name)
    return found


def promote_stranded() -> None:
    """Runs that are the first in all their lines, and still not due: there are none, unless somebody has removed a live
    run by hand."""
    behind = Hold.objects.filter(BEHIND_ANOTHER, run=OuterRef("run"))
    stuck = Part.objects.filter(run=OuterRef("run"), lacks_holds=True, due=None, closed=False, want=Want.RUN)
    stranded = Hold.objects.filter(~Exists(behind), Exists(stuck), held=None).order_by()
    for run_id in set(stranded.values_list("run_id", flat=True)):
        with write():
            promote(run_id)
