"""Operations that write a row for each number, and go wrong as their parameters say."""

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from django.db import transaction

from headway import Operation, Reject, Skip, Stop

from .forms import LedgerForm, WalkForm
from .gates import Gate
from .models import LedgerEntry, Thing
from .sources import GatedNumbers, Numbers
from .walks import WALKS, number_of


def numbers(text: str) -> set[int]:
    return {int(number) for number in text.split(",") if number}


class WriteLedger(Operation):
    """Writes a row for each number; which of them go wrong, and how, the parameters say."""

    permission = "signed-in"
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
            time.sleep(self.params["work_us"] / 1e6)  # no processor's time: whole suites run at once
        if number == self.gate_at and self.gate:
            self.gate.wait_here()


class Walk(WriteLedger):
    """The same over one of the walks: numbers that are found elsewhere, below the gate's folder."""

    name = "tests.walk"
    params = WalkForm

    def items(self) -> Any:
        super().items()
        folder = Path(self.params["gate"].partition(":")[2]).parent
        return WALKS[self.params["walk"]](self.params["items"], folder)

    def process(self, item: Any) -> None:
        super().process(number_of(item))


class ReadThroughGate(WriteLedger):
    """Its source stands still at the gate, so its worker does so between two chunks."""

    name = "tests.read_through_gate"

    def items(self) -> Numbers:
        numbers = super().items()
        gate, self.gate = self.gate, None
        return GatedNumbers(numbers.n, self.gate_at, gate)


class UpdateOneThing(WriteLedger):
    """Each item locks the same row before it writes its own."""

    name = "tests.update_one_thing"

    def process(self, number: int) -> None:
        Thing.objects.update_or_create(code="shared", defaults={"name": str(number)})
        super().process(number)


class CallExit(WriteLedger):
    """Its item 42 calls `sys.exit`, as a library may that was made for programs of its own."""

    name = "tests.call_exit"

    def process(self, number: int) -> None:
        super().process(number)
        if number == 42:
            sys.exit("no")


class Hang(WriteLedger):
    """An item that stands at its gate for a second is hung."""

    name = "tests.hang"
    item_timeout = 1.0


class DieAsItEnds(WriteLedger):
    """Kills its worker once its end is committed, before anything else is done."""

    name = "tests.die_as_it_ends"

    def on_finish(self) -> None:
        transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))


class WriteInParts(WriteLedger):
    """The same by several workers at once."""

    name = "tests.write_in_parts"
    parts = 4


class SlowLane(WriteLedger):
    """Has a queue of its own."""

    name = "tests.slow_lane"
    queue = "tests.slow"


class PrepareLedger(WriteLedger):
    """Stands at its gate while it prepares, on one of its threads."""

    name = "tests.prepare_ledger"
    threads = 4

    def items(self) -> Numbers:
        numbers = super().items()
        self.gate_before, self.gate = self.gate, None
        return numbers

    def prepare(self, number: int) -> int:
        if number == self.gate_at and self.gate_before:
            self.gate_before.wait_here()
        return number

    def process(self, number: int, prepared: int) -> None:
        assert number == prepared
        super().process(number)
