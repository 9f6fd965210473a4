"""Operations that hold names while they are worked on."""

import os
import time
from collections.abc import Callable
from typing import Any, ClassVar

from django import forms

from headway import Operation, Reject

from .gates import Gate
from .models import LedgerEntry
from .shelf import Shelf
from .sources import GatedNumbers, Numbers

__all__ = ["CallUnderHold", "CountStock", "HoldNames", "WriteOnShelf"]


class NamesForm(forms.Form):
    """What to hold, and for how long."""

    names = forms.CharField(required=False, initial="stock", help_text="Comma-separated.")
    items = forms.IntegerField(min_value=0, initial=3)
    gate = forms.CharField(
        required=False, initial="", help_text="item:path: before this item is read, say so and wait (gates.py)."
    )


class HoldNames(Operation):
    """Each item writes the run and its fences; so rows of two runs that hold one name show whether they took turns."""

    name = "tests.takes_turns"
    params = NamesForm
    on_conflict = "allow"
    begun: ClassVar[list[int]] = []
    in_hand: ClassVar[Callable[[], object]] = lambda: None
    """What happens while an item is in hand, before its chunk is committed."""

    def holds(self) -> list[str]:
        return [name for name in self.params["names"].split(",") if name]

    def items(self) -> Numbers:
        at, _, path = self.params["gate"].partition(":")
        return GatedNumbers(self.params["items"], int(at) if path else None, Gate(path) if path else None)

    def process(self, number: int) -> None:
        self.begun.append(number)
        told = " ".join(f"{name}={self.fence(name)}" for name in sorted(self.holds()))
        LedgerEntry.objects.create(run=self.run.id, item=f"{number} {told}".strip())
        type(self).in_hand()

    def concurrency_key(self) -> Any:
        return None


class CountStock(Operation):
    """One run at a time, the others in line; and it holds what other operations hold, too."""

    name = "tests.count_stock"
    params = NamesForm
    on_conflict = "queue"
    holds = ("stock",)
    parts = 2

    def items(self) -> Numbers:
        return Numbers(self.params["items"])

    def concurrency_key(self) -> Any:
        return "everybody"

    def process(self, number: int) -> None:
        LedgerEntry.objects.create(run=self.run.id, item=f"{number} stock={self.fence('stock')}")


class CallUnderHold(Operation):
    """Calls what the test has put there, outside any transaction."""

    name = "tests.call_under_hold"
    holds = ("stock",)
    effects = "outside"
    window = 1
    call: ClassVar[Callable[[int], object]]

    def items(self) -> Numbers:
        return Numbers(4)

    def process(self, number: int) -> None:
        with self.effect("call"):
            CallUnderHold.call(number)


class ShelfForm(forms.Form):
    shelf = forms.CharField()
    items = forms.IntegerField(min_value=1)
    seconds = forms.FloatField(min_value=0, help_text="That an item takes.")


class WriteOnShelf(Operation):
    """Each item writes on a shelf that several services share, and into the ledger of its own database."""

    name = "tests.write_on_shelf"
    params = ShelfForm
    on_conflict = "allow"
    holds = ("shelf",)

    def items(self) -> Numbers:
        return Numbers(self.params["items"])

    def process(self, number: int) -> None:
        fence = self.fence("shelf")
        time.sleep(self.params["seconds"])  # what the item does, during which its worker may be frozen
        if not Shelf(self.params["shelf"]).write(fence, str(self.run.id), os.getpid()):
            raise Reject("too-late", "Another service writes on the shelf by now.")
        LedgerEntry.objects.create(run=self.run.id, item=f"{number} shelf={fence}")
