"""What one transaction is to change of a flight."""

from typing import Any

from headway.operations.outcomes import Interruption

from .slots import Slot, Stand
from .tally import Tally


class Turn:
    """What one transaction is to change of a flight."""

    def __init__(self, slots: list[Slot]) -> None:
        self.slots = list(slots)
        self.stands: dict[Slot, Stand] = {}
        self.begun: list[Slot] = []

    def add(self, slot: Slot) -> None:
        self.slots.append(slot)

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
