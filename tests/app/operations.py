"""Operations to be tested with. Their effects are rows of the ledger."""

import signal
import threading
import time
from typing import Any

from example.airports.operations import ImportAirports
from headway import Operation

from . import (  # noqa: F401  (registers what is declared there)
    accounts,
    by_the_clock,
    conflicts,
    discovering,
    edges,
    exports,
    holds,
    ledger,
    outside,
    paced,
    preparing,
    scripted,
    stepping,
    things,
)
from .forms import HabitForm, HooksForm, LedgerForm, TimeForm
from .gates import Gate
from .models import LedgerEntry
from .sources import Numbers


class WriteInSets(Operation):
    """Writes many rows by one statement; at its gate it stands behind that, in the midst of its chunk."""

    permission = "signed-in"
    name = "tests.write_in_sets"
    params = LedgerForm

    def items(self) -> Numbers:
        at, _, path = self.params["gate"].partition(":")
        self.gate_at, self.gate = (int(at), Gate(path)) if path else (None, None)
        return Numbers(self.params["items"])

    def process_chunk(self, rows: list[int]) -> None:
        LedgerEntry.objects.bulk_create(LedgerEntry(run=self.run.id, item=str(number)) for number in rows)
        if self.gate_at in rows and self.gate:
            self.gate.wait_here()


class ImportWithLedger(ImportAirports):
    """The example's import; each row that gets into the table also gets into the ledger, by its line."""

    name = "tests.import_with_ledger"

    def process(self, row: Any) -> None:
        super().process(row)
        LedgerEntry.objects.create(run=self.run.id, item=str(row.line))

    def label(self, row: Any) -> str:
        return str(row.line)


class Careless(Operation):
    """Its one item spoils the process that it runs in."""

    permission = "signed-in"
    name = "tests.careless"
    params = HabitForm

    def items(self) -> Numbers:
        return Numbers(1)

    def process(self, number: int) -> None:
        LedgerEntry.objects.create(run=self.run.id, item=str(number))
        if self.params["habit"] == "ignore the signal":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        else:
            threading.Thread(target=threading.Event().wait, args=(60,)).start()  # keeps a process from ending


class StandInHooks(Operation):
    """Its hooks write into the ledger, and then stand at a gate."""

    permission = "signed-in"
    name = "tests.stand_in_hooks"
    params = HooksForm

    def items(self) -> Numbers:
        return Numbers(5)

    def on_start(self) -> None:
        self.write_and_stand("on_start")

    def process(self, number: int) -> None:
        LedgerEntry.objects.create(run=self.run.id, item=str(number))

    def on_finish(self) -> str:
        self.write_and_stand("on_finish")
        return "finished"

    def write_and_stand(self, hook: str) -> None:
        LedgerEntry.objects.create(run=self.run.id, item=hook)
        if self.params["stand_in"] == hook:
            Gate(self.params["gate"]).wait_here()


class TakeTime(Operation):
    """Takes about as long as it is told to, and nearly no CPU."""

    permission = "signed-in"
    name = "tests.take_time"
    params = TimeForm

    def items(self) -> Numbers:
        self.pause = self.params["seconds"] / self.params["items"]
        return Numbers(self.params["items"])

    def process(self, number: int) -> None:
        LedgerEntry.objects.create(run=self.run.id, item=str(number))
        time.sleep(self.pause)


class TakeTimeInParts(TakeTime):
    """The same in eight parts."""

    name = "tests.take_time_in_parts"
    parts = 8
