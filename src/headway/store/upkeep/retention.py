"""How long ended runs are kept: as their operation says (`keep`), else as the settings do (HEADWAY["KEEP"])."""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from headway.conf import conf
from headway.database.turns import Turns
from headway.errors import RunNotFound, StillNeeded
from headway.models import Run
from headway.operations import registry

from . import removals

LOOK_EVERY = 60.0  # s between two looks of a worker
AT_ONCE = 1.0  # s of a worker's time
MOST = 100  # runs that are hidden before the rows of these are removed
looked = float("-inf")


def over() -> Iterator[QuerySet[Run]]:
    """The runs whose time is over, the oldest first: a query for each time that is declared.

    A run that a later one retries isn't among them: it stays as long as that one.
    """
    own = {operation: operation.keep for operation in registry.every() if operation.keep is not None}
    named = {name for operation in own for name in operation.names()}
    if (usual := conf().keep) is not None:
        yield ended_before(usual).exclude(operation__in=named)
    for keep in sorted(set(own.values())):
        if keep < timedelta.max:
            names = [name for operation in own if own[operation] == keep for name in operation.names()]
            yield ended_before(keep).filter(operation__in=names)


def ended_before(keep: timedelta) -> QuerySet[Run]:
    moment = Now() - keep
    # A run is created before it ends: the first condition has an index.
    ended = Run.objects.filter(created_at__lt=moment, finished_at__lt=moment, retried_as=None)
    return ended.order_by("created_at")


def prune(seconds: float = float("inf")) -> int:
    """Delete runs whose time is over, with all that `removals.delete` deletes, for about so many seconds; gives how
    many. Each is hidden by a short transaction; then its rows go in bites, between which other writers come in."""
    until, turns, pruned = time.monotonic() + seconds, Turns(), 0
    while time.monotonic() < until and (some := hide_some(until, turns)):
        pruned += some
        removals.clear_away(until - time.monotonic())
    return pruned


def hide_some(until: float, turns: Turns) -> int:
    """Hide at most MOST; gives how many."""
    found = [run_id for runs in over() for run_id in runs.values_list("pk", flat=True)[:MOST]][:MOST]
    hidden = 0
    for run_id in found:
        if time.monotonic() >= until:
            break
        with suppress(RunNotFound, StillNeeded):  # another worker has deleted it meanwhile, or it has been retried
            removals.delete(run_id)
            hidden += 1
        turns.give_way()
    return hidden


def prune_now_and_then() -> None:
    """In a worker's own time: a little, every minute."""
    global looked
    if time.monotonic() - looked > LOOK_EVERY:
        looked = time.monotonic()
        prune(AT_ONCE)
