"""Operations to be tested with. Their effects are rows of the ledger."""

import os
import signal
import time
from typing import Any

from headway import Operation, Reject, Skip, Stop, sources

from .forms import LedgerForm
from .gates import Gate
from .models import Child, LedgerEntry, Thing
from .sources import Numbers


def numbers(text: str) -> set[int]:
    return {int(number) for number in text.split(",") if number}


class WriteLedger(Operation):
    """Writes a row for each number; which of them go wrong, and how, the parameters say."""

    name = "tests.write_ledger"
    params = LedgerForm
    error_codes = {ValueError: "bad-value"}

    def items(self) -> Numbers:
        self.wrong = {kind: numbers(self.params[kind]) for kind in ("reject", "skip", "fail", "stop", "die")}
        at, _, path = self.params["gate"].partition(":")
        self.gate_at, self.gate = (int(at), Gate(path)) if path else (None, None)
        return Numbers(self.params["items"])

    def concurrency_key(self) -> Any:
        return [self.user and self.user.pk, self.params["items"]]

    def process(self, number: int) -> None:
        if number in self.wrong["reject"]:
            raise Reject("rejected", f"{number} is not wanted.")
        if number in self.wrong["skip"]:
            raise Skip("skipped", f"{number} needs nothing.")
        if number in self.wrong["stop"]:
            raise Stop(f"{number} ends it.")
        LedgerEntry.objects.create(run=self.run.id, item=str(number))
        if number in self.wrong["fail"]:
            raise ValueError(f"{number} fails")
        if number in self.wrong["die"]:
            os.kill(os.getpid(), signal.SIGKILL)
        if self.params["work_us"]:
            busy(self.params["work_us"])
        if number == self.gate_at and self.gate:
            self.gate.wait_here()


def busy(microseconds: int) -> None:
    """Pure work, by the clock."""
    until = time.perf_counter() + microseconds / 1e6
    while time.perf_counter() < until:
        pass


class AdoptChildren(Operation):
    """Every third child has a parent that isn't there; the database says so only at COMMIT."""

    name = "tests.adopt_children"

    def items(self) -> Numbers:
        return Numbers(12)

    def on_start(self) -> None:
        Thing.objects.create(id=1, name="parent", code="parent")

    def process(self, number: int) -> None:
        Child.objects.create(thing_id=999 if number % 3 == 2 else 1)

    def on_finish(self) -> dict[str, int]:
        return {"children": Child.objects.count(), "failed": self.run.counts().failed}


class TouchThings(Operation):
    """A queryset as source."""

    name = "tests.touch_things"

    def items(self) -> sources.Source[Thing]:
        return sources.queryset(Thing.objects.all())

    def process(self, thing: Thing) -> None:
        LedgerEntry.objects.create(run=self.run.id, item=thing.code)


class TouchSelected(TouchThings):
    """A selection as source."""

    name = "tests.touch_selected"

    def items(self) -> sources.Source[Thing]:
        return sources.selection(Thing.objects.filter(name="chosen"))
