"""Items whose effects are outside: what is known of those whose call may have gone out, and what a person says of them.

A part's flight says what was under way; what is in doubt is a failed item with a code of its own.
"""

from collections import Counter
from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS
from django.db.models import F, QuerySet

from headway.database import NowMs, as_one_parameter
from headway.models import ItemOutcome, ItemState, Part
from headway.states import summed

from .outcomes import Outcome, record, storable

IN_DOUBT = "in-doubt"
WENT_OUT, NOT_SENT = "went-out", "not-sent"
SAID = {
    WENT_OUT: "It was in doubt, and then found to have gone out.",
    NOT_SENT: "It was in doubt, and then found not to have gone out.",
}
LEFT = "The run ended while it was under way: it may have gone out."
NOT_BEGUN = "The run ended before it was begun."
DUE, BEGUN, SETTLED = range(3)
KEY: Any = ItemOutcome._meta.get_field("key")


class Known(NamedTuple):
    """What earlier attempts have left of an item."""

    code: str
    effects: tuple[str, ...]
    """The names of those that have gone out."""


def known(run_id: UUID, keys: Collection[str]) -> dict[str, Known]:
    """Of these items of the run, by key, what has been written down."""
    rows = ItemOutcome.objects.filter(run=run_id, key__in=keys).values_list("key", "code", "effects")
    return {key: Known(code, tuple(effects or ())) for key, code, effects in rows}


def end_flights(run_id: UUID) -> None:
    """The run ends: what was under way is in doubt, as its owner is gone. Under the run's lock."""
    for part in Part.objects.filter(run=run_id, flight__isnull=False):
        flight: Any = part.flight
        outcomes = [
            Outcome(key, ItemState.FAILED, *((IN_DOUBT, LEFT) if stand == BEGUN else (NOT_SENT, NOT_BEGUN)), label=key)
            for key, _, stand, _ in flight
            if stand != SETTLED
        ]
        record(part, outcomes)
        codes = Counter(outcome.code for outcome in outcomes)
        # So items of later passes are on record, but for what was added and is done for the first time.
        again = sum(bool(part.phase) and cursor[1] is not None for _, cursor, stand, _ in flight if stand != SETTLED)
        Part.objects.filter(pk=part.pk).update(
            failed=F("failed") + len(outcomes),
            retrying=F("retrying") - again,
            failures=summed(part.failures, codes),
            cursor=flight[-1][1],
            flight=None,
            seq=F("seq") + 1,
            changed=NowMs(),
        )


def in_doubt(run_id: UUID, keys: Collection[str] | None = None) -> QuerySet[ItemOutcome]:
    """The run's items in doubt; of these `keys` alone, if given."""
    found = ItemOutcome.objects.filter(run=run_id, state=ItemState.FAILED, code=IN_DOUBT)
    if keys is None:
        return found
    told = [key for key in keys if key == storable(key, KEY.max_length)]  # no other can be an item's
    return found.filter(key__in=as_one_parameter(told, KEY, DEFAULT_DB_ALIAS))


def say(run_id: UUID, code: str, keys: Collection[str] | None = None) -> int:
    """A person has found out of these items, or of all that are in doubt, that they went out (WENT_OUT) or did not
    (NOT_SENT); gives of how many. Under the run's lock, while nobody owns a part of it.
    """
    told = 0
    for part in Part.objects.filter(run=run_id, failed__gt=0):
        mine = in_doubt(run_id, keys).filter(part=part.pk)
        count = mine.update(code=code, text=SAID[code])
        if not count:
            continue
        codes = Counter(part.failures)
        codes.update({IN_DOUBT: -count, code: count})
        failures = summed({code: number for code, number in codes.items() if number})
        Part.objects.filter(pk=part.pk).update(failures=failures, seq=F("seq") + 1, changed=NowMs())
        told += count
    return told
