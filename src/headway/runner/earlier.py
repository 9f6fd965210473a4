"""What earlier attempts at items with effects outside have left: those of earlier runs, passes and owners."""

from typing import Any

from headway.models import Part
from headway.operations.outcomes import Gone, Skip
from headway.store.parts import flights
from headway.store.parts.flights import IN_DOUBT, NOT_SENT, WENT_OUT, Known

from .in_hand import Work
from .loading import ask
from .reading import UNREADABLE, attempts_before
from .slots import Slot, Stand, in_doubt
from .tally import Left

MOST_STARTS = 4  # of one item: it is what kills its workers


def taken_over(work: Work, written: list[list[Any]]) -> list[Slot]:
    """The flight that an earlier owner has left. Raises OperationError."""
    keys = [key for key, *_ in written]
    items = ask(UNREADABLE, lambda: dict(work.source.fetch(keys)))
    known = known_of(work.part, keys)
    slots = []
    for key, cursor, stand, starts in written:
        slot = Slot((cursor, key, items[key] if key in items else Gone(key)), Stand(stand), starts)
        if slot.stand == Stand.BEGUN:
            doubt(slot, work.operation.in_doubt)
        slot.attempts = attempts_before(work.part, slot.entry)
        slot.known = known[key].effects if key in known else ()
        slots.append(slot)
    return slots


def doubt(slot: Slot, policy: str) -> None:
    """Its owner is gone: it may have gone out."""
    if policy == "list" or (slot.starts >= MOST_STARTS and policy == "settle"):
        slot.settle(in_doubt("Its worker was ended while it was under way: it may have gone out."))
    elif slot.starts >= MOST_STARTS:
        slot.settle(Left("worker-died", f"Its worker died {slot.starts} times while doing it, so it was left out."))
    elif isinstance(slot.item, Gone):
        slot.settle(in_doubt("Its worker was ended while it was under way, and it isn't there any more."))
    else:
        slot.stand, slot.is_in_doubt = Stand.DUE, policy == "settle"


def known_of(part: Part, keys: list[str]) -> dict[str, Known]:
    """What earlier attempts have left of these items, where there were any."""
    run_id = part.run_id if part.phase else part.retries_id
    return flights.known(run_id, keys) if run_id and keys else {}


def verdict_on(slot: Slot, known: Known | None) -> Exception | None:
    """Its verdict, where it isn't to be begun."""
    if isinstance(slot.item, Exception):
        return slot.item
    if known is None:
        return None
    slot.known = known.effects
    if known.code == IN_DOUBT:
        return in_doubt("An earlier run began it, and nobody has said yet whether it went out.")
    if known.code == WENT_OUT:
        return Skip(WENT_OUT, "It went out in an earlier run.")
    if known.code == NOT_SENT:
        slot.known = ()
    return None
