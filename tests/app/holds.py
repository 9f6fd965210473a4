"""Operations that hold names while they are worked on."""

from typing import Any

from django import forms

from headway import Operation

from .gates import Gate
from .models import LedgerEntry
from .sources import Numbers

__all__ = ["CountStock", "HoldNames"]


class NamesForm(forms.Form):
    """What to hold, and for how long."""

    names = forms.CharField(required=False, initial="stock", help_text="Comma-separated.")
    items = forms.IntegerField(min_value=0, initial=3)
    gate = forms.CharField(required=False, initial="", help_text="item:path: at this item, say so and wait (gates.py).")


class HoldNames(Operation):
    """Each item writes the run and its fences; so rows of two runs that hold one name show whether they took turns."""

    name = "tests.takes_turns"
    params = NamesForm
    on_conflict = "allow"

    def holds(self) -> list[str]:
        return [name for name in self.params["names"].split(",") if name]

    def items(self) -> Numbers:
        at, _, path = self.params["gate"].partition(":")
        self.gate_at, self.gate = (int(at), Gate(path)) if path else (None, None)
        return Numbers(self.params["items"])

    def process(self, number: int) -> None:
        told = " ".join(f"{name}={self.fence(name)}" for name in sorted(self.holds()))
        LedgerEntry.objects.create(run=self.run.id, item=f"{number} {told}".strip())
        if number == self.gate_at and self.gate:
            self.gate.wait_here()

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
