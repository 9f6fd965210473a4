"""Items whose effects are outside, from when they are chosen to be begun (`Slot`), and what one transaction changes of
a flight of them (`Turn`)."""

import math
import time
from enum import IntEnum
from typing import Any

from headway.operations.base import Operation
from headway.operations.effects import Effects
from headway.operations.kept import kept_value
from headway.operations.outcomes import Interruption, Skip, Verdict
from headway.operations.sources import Entry
from headway.store.parts import flights
from headway.store.parts.flights import IN_DOUBT

from .tally import Left, Tally


class Stand(IntEnum):
    """How an item stands in `Part.flight`."""

    DUE = flights.DUE  # not begun, or found not to have gone out
    BEGUN = flights.BEGUN
    SETTLED = flights.SETTLED


class Slot:
    """One item of a flight, in the source's order."""

    def __init__(self, entry: Entry[Any], stand: Stand = Stand.DUE, starts: int = 0) -> None:
        self.entry = entry
        self.stand = stand
        self.starts = starts
        """How often it has been begun."""
        self.attempts = 0
        """How often earlier passes have done it."""
        self.known: tuple[str, ...] = ()
        """The effects that earlier attempts have finished."""
        self.is_in_doubt = False
        """Whether it was begun by an owner who is gone, so that it is asked for first."""
        self.attempt: Effects | None = None
        self.late_at = math.inf
        """`monotonic` from when on its rate doesn't let it begin any more."""
        self.began: float | None = None
        self.hung = False
        self.error: Exception | None = None
        self.kept: list[str] = []
        """What `process` returned, where the operation keeps results."""
        self.found: list[str] = []
        """Keys of items that `process` has added."""
        self.returned = False

    @property
    def key(self) -> str:
        return self.entry[1]

    @property
    def item(self) -> Any:
        return self.entry[2]

    @property
    def told(self) -> list[Any]:
        """As it is written down in the flight."""
        return [self.key, self.entry[0], int(self.stand), self.starts]

    @property
    def effects(self) -> tuple[str, ...]:
        """The names of those that have gone out by now."""
        return tuple(self.attempt.done) if self.attempt else self.known

    def settle(self, error: Exception | None = None) -> None:
        """It has ended: as succeeded, or with this error. Its call may still be on its way, and says nothing more."""
        self.error, self.returned = error, True

    def succeed(self, given: Any, operation: Operation) -> None:
        """Its call has returned. Raises NotKept."""
        if operation.keep_results and not self.is_in_doubt:
            self.kept = [kept_value(given)]
        if self.is_in_doubt and not given:
            self.postpone()
        elif not self.hung:
            self.settle()

    def postpone(self) -> None:
        """It hasn't gone out: it is due."""
        if not self.hung:
            self.stand, self.is_in_doubt, self.began = Stand.DUE, False, None

    def wait_for_another_moment(self) -> None:
        """Its own has passed before it was begun: it is due."""
        self.stand, self.starts = Stand.DUE, self.starts - 1

    @property
    def is_late(self) -> bool:
        """Whether its moment has passed."""
        return time.monotonic() > self.late_at

    def fail(self, error: Exception, operation: Operation) -> None:
        """Its call has raised."""
        if not self.hung:
            self.settle(self.verdict(error, operation))

    def verdict(self, error: Exception, operation: Operation) -> Exception:
        """What the error says of the item: that it is in doubt, where an effect of it may have gone out, or some have
        gone out and its code can't do the others alone."""
        assert self.attempt is not None
        if self.is_in_doubt:
            return in_doubt("It could not be asked whether it went out.", error)
        if not self.attempt.may_be_repeated and not isinstance(error, Skip):
            gone = ", ".join(self.attempt.done)
            return in_doubt(f"It failed after this had gone out: {gone}.", error)
        is_told = isinstance(error, Verdict) or operation.retry.covers(error)  # the operation says what it means
        if self.attempt.begun and not is_told and operation.code_for(error) == "error":
            return in_doubt(
                f"It may have gone out: no answer came to {self.attempt.begun!r}, or an unexpected one.", error
            )
        return error


class Turn:
    """What one transaction is to change of a flight."""

    def __init__(self, slots: list[Slot]) -> None:
        self.slots = list(slots)
        self.stands: dict[Slot, Stand] = {}
        self.begun: list[Slot] = []

    def end(self, slot: Slot, tally: Tally) -> None:
        """It has returned."""
        if isinstance(slot.error, Interruption):
            tally.interruption = slot.error
            self.stands[slot] = Stand.DUE
        else:
            tally.seen.append(slot.entry)
            tally.values += [(tally.done + 1, value) for value in slot.kept]
            tally.found.append((tally.done + 1, list(slot.found)))
            tally.count(slot.entry, slot.error, slot.effects if slot.error else ())
            self.stands[slot] = Stand.SETTLED

    def begin(self, slots: list[Slot]) -> None:
        """They are to go out."""
        self.begun += slots
        self.stands |= dict.fromkeys(slots, Stand.BEGUN)

    @property
    def settled_ahead(self) -> int:
        """How many at the head are settled: behind them stands the cursor."""
        return next((at for at, slot in enumerate(self.slots) if self.stand(slot) != Stand.SETTLED), len(self.slots))

    def stand(self, slot: Slot) -> Stand:
        return self.stands.get(slot, slot.stand)

    def flight(self) -> list[list[Any]]:
        """As it is written down once this is committed."""
        starting = set(self.begun)
        return [
            [slot.key, slot.entry[0], int(self.stand(slot)), slot.starts + (slot in starting)]
            for slot in self.slots[self.settled_ahead :]
        ]

    def cursor(self, before: Any) -> Any:
        """Behind what is settled at the head."""
        ahead = self.settled_ahead
        return self.slots[ahead - 1].entry[0] if ahead else before

    def apply(self) -> None:
        for slot, stand in self.stands.items():
            if stand == Stand.DUE:
                slot.error, slot.returned, slot.began = None, False, None
            slot.stand = stand
        for slot in self.begun:
            slot.starts += 1


def in_doubt(text: str, cause: Exception | None = None) -> Left:
    """The verdict on an item of which nobody knows whether it went out."""
    verdict = Left(IN_DOUBT, text)
    verdict.__cause__ = cause
    return verdict
