"""Later passes: items that were added on the way or are to be tried again; and giving a part back until then, or for
any other wait.

Such items are rows of the part that met them, written in its chunks. Once its range is done the part reads them
instead, as often as any are left; in between nobody owns it.
"""

from collections import Counter
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db.models import Count, F, Min, QuerySet, Value
from django.db.models.functions import Coalesce, Greatest

from headway.database import NowMs, write
from headway.models import ItemOutcome, ItemState, Kind, Part
from headway.states import Want, summed

from . import discoveries
from .checkpoints import Checkpoint
from .flights import IN_DOUBT, WENT_OUT
from .leases import Fenced

LEAST_WAIT_MS = 1_000  # a run that waits for no time at all would be claimed again and again


def is_left(part: Part) -> bool:
    """Whether there is something that was added, or is to be tried again, now or later.

    A source may give a key twice; the second then writes over what was to be tried again, though both were counted.
    """
    return discoveries.is_left(part) or (bool(part.retrying) and retrying(part).exists())


def begin_pass(part: Part) -> bool:
    """The part's range, or pass, is done: give it back, due when the first of what is left may be done.

    False when something else than to run is wanted. Raises Fenced.
    """
    with write():
        first = 0 if discoveries.is_left(part) else retrying(part).aggregate(at=Min("retry_at"))["at"]
        anew = {"phase": F("phase") + 1, "cursor": discoveries.start_of_pass(part)}
        return give_back(part, due=Greatest(Value(first or 0), NowMs()), **anew)


def wait(part: Part, seconds: float, reason: str) -> bool:
    """Give the part back until so many seconds have passed, at least one. Like `begin_pass`."""
    with write():
        return give_back(part, due=NowMs() + max(LEAST_WAIT_MS, round(seconds * 1000)), waits=reason)


def give_back(part: Part, **columns: Any) -> bool:
    # Its owner lives, so no item has killed it.
    rest: dict[str, Any] = {"token": None, "tries": 0, "deaths": 0, "seq": F("seq") + 1, "changed": NowMs()}
    mine = Part.objects.filter(pk=part.pk, token=part.token, seq=part.seq)
    given = mine.filter(want=Want.RUN).update(**rest, **columns)
    if not given and not mine.exists():
        raise Fenced
    return bool(given)


def uncount(part: Part, items: int, checkpoint: Checkpoint) -> Checkpoint:
    """Take back the last attempt at the last `items` that were to be tried again, in the chunk's transaction, since it
    was in vain for all of them; gives the checkpoint as it is then. Those that had no attempt left are tried again too.
    """
    last = list(ItemOutcome.objects.filter(part=part.pk, attempts__gt=0).order_by("-id")[:items])
    failed = Counter(outcome.code for outcome in last if outcome.state == ItemState.FAILED)
    ItemOutcome.objects.filter(id__in=[outcome.pk for outcome in last]).update(
        state=ItemState.RETRYING, attempts=F("attempts") - 1, retry_at=Coalesce("retry_at", NowMs())
    )
    before = part.failures if checkpoint.failures is None else checkpoint.failures
    left = Counter(before)
    left.subtract(failed)
    return replace(
        checkpoint,
        counts=replace(checkpoint.counts, failed=checkpoint.counts.failed - failed.total()),
        retrying=checkpoint.retrying + failed.total(),
        failures=summed({code: number for code, number in left.items() if number}),
    )


def retrying(part: Part) -> QuerySet[ItemOutcome]:
    return ItemOutcome.objects.filter(part=part.pk, state=ItemState.RETRYING)


def try_failed_again(run_id: UUID) -> int:
    """Let every item that has failed be tried again, as if it had never been done, where nobody owns its part; gives
    how many of the run's parts are open then. What is in doubt, or went out, stays. Under the run's lock.
    """
    for part in Part.objects.filter(run=run_id, kind=Kind.ITEMS, failed__gt=0, token=None):
        failed = ItemOutcome.objects.filter(part=part.pk, state=ItemState.FAILED).exclude(code__in=(IN_DOUBT, WENT_OUT))
        again = failed.update(state=ItemState.RETRYING, attempts=0, retry_at=NowMs())
        anew: dict[str, Any] = (
            {"closed": False, "phase": F("phase") + 1, "cursor": discoveries.start_of_pass(part)}
            if part.closed and again
            else {}
        )
        Part.objects.filter(pk=part.pk).update(
            retrying=F("retrying") + again,
            failed=F("failed") - again,
            failures={code: part.failures[code] for code in (IN_DOUBT, WENT_OUT) if code in part.failures},
            faults_in_a_row=0,
            seq=F("seq") + 1,
            changed=NowMs(),
            **anew,
        )
    return Part.objects.filter(run=run_id, closed=False).count()


def give_up_retrying(run_id: UUID) -> None:
    """The run ends before its later passes have: what was to be tried again has failed. Under the run's lock."""
    for part in Part.objects.filter(run=run_id, retrying__gt=0):
        codes = retrying(part).values_list("code").annotate(count=Count("id")).order_by("code")
        part.failures = summed(part.failures, dict(codes))
        given_up = retrying(part).update(state=ItemState.FAILED, retry_at=None)
        Part.objects.filter(pk=part.pk).update(
            failed=F("failed") + given_up, retrying=0, failures=part.failures, changed=NowMs()
        )
