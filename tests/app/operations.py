"""Operations to be tested with. Their effects are rows of the ledger."""

import os
import select
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

from django.db import transaction
from django.db.models import F, QuerySet

from example.airports.operations import ImportAirports
from headway import File, Operation, Reject, Retry, Skip, Stop, Tolerance, sources

from . import by_the_clock, conflicts, discovering, edges, holds, outside, paced, stepping  # noqa: F401  (registers what is declared there)
from .forms import CountForm, HabitForm, HooksForm, LedgerForm, TimeForm, WalkForm
from .gates import Gate
from .models import Account, Child, LedgerEntry, Thing
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

    permission = "signed-in"
    name = "tests.adopt_children"

    def items(self) -> Numbers:
        return Numbers(12)

    def on_start(self) -> None:
        Thing.objects.create(id=1, name="parent", code="parent")

    def process(self, number: int) -> None:
        Child.objects.create(thing_id=999 if number % 3 == 2 else 1)

    def on_finish(self) -> dict[str, int]:
        return {"children": Child.objects.count(), "failed": self.run.counts().failed}


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


class TouchThings(Operation):
    """A queryset as source."""

    permission = "signed-in"
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


class Scripted(Operation):
    """Does to each number what the test has put into `script`; by default it writes it into the ledger."""

    permission = "signed-in"
    name = "tests.scripted"
    script: ClassVar[dict[str, Any]] = {}

    def items(self) -> sources.Source[Any]:
        source: sources.Source[Any] = self.script.get("items", lambda: Numbers(5))()
        return source

    def on_start(self) -> None:
        self.script.get("on_start", lambda: None)()

    def process(self, number: int) -> None:
        self.script.get("before", lambda operation, number: None)(self, number)
        LedgerEntry.objects.create(run=self.run.id, item=str(number))
        self.script.get("after", lambda operation, number: None)(self, number)

    def on_finish(self) -> Any:
        return self.script.get("on_finish", lambda: None)()


class ScriptedAgain(Scripted):
    """The same, and what can't be reached is tried three times."""

    name = "tests.scripted_again"
    retry = Retry(on=ConnectionError, attempts=3, backoff=30)


class ScriptedTolerant(Scripted):
    """The same, and pauses when more than two have failed."""

    name = "tests.scripted_tolerant"
    tolerance = Tolerance(count=2)


class ScriptedTolerantInParts(ScriptedTolerant):
    """The same in two parts."""

    name = "tests.scripted_tolerant_in_parts"
    parts = 2


class ScriptedStrict(Scripted):
    """The same, and fails when more than a tenth of at least 20 have failed."""

    name = "tests.scripted_strict"
    tolerance = Tolerance(percent=10, min_items=20, then="fail")


class ScriptedInSets(Operation):
    """Writes many numbers, or rows' keys, into the ledger by one statement."""

    permission = "signed-in"
    name = "tests.scripted_in_sets"
    retry = Retry(on=ConnectionError, attempts=3, backoff=30)

    def items(self) -> sources.Source[Any]:
        source: sources.Source[Any] = Scripted.script.get("items", lambda: Numbers(1_000))()
        return source

    def process_chunk(self, rows: Any) -> Any:
        items = [getattr(row, "pk", row) for row in rows]
        LedgerEntry.objects.bulk_create(LedgerEntry(run=self.run.id, item=str(item)) for item in items)
        return Scripted.script.get("chunk", lambda operation, rows: None)(self, rows)


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


class CreditInSets(Operation):
    """Changes all accounts of a chunk by one UPDATE."""

    permission = "signed-in"
    name = "tests.credit_in_sets"

    def items(self) -> sources.Source[Any]:
        source: sources.Source[Any] = Scripted.script.get("items", lambda: sources.queryset(Account.objects.all()))()
        return source

    def process_chunk(self, rows: QuerySet[Account]) -> Any:
        rows.update(balance=F("balance") + 1)
        return Scripted.script.get("chunk", lambda operation, rows: None)(self, rows)

    def label(self, account: Account) -> str:
        return f"account of {account.note}"


class CreditInSetsInParts(CreditInSets):
    """The same by four workers at once."""

    name = "tests.credit_in_sets_in_parts"
    parts = 4


class CreditLocked(Operation):
    """Adds to the balance that it has read, of rows that it has locked."""

    permission = "signed-in"
    name = "tests.credit_locked"
    lock_rows = True

    def items(self) -> sources.Source[Any]:
        source: sources.Source[Any] = Scripted.script.get("items", lambda: sources.queryset(Account.objects.all()))()
        return source

    def process(self, account: Account) -> None:
        Scripted.script.get("before", lambda operation, account: None)(self, account)
        Account.objects.filter(pk=account.pk).update(balance=account.balance + 1)


class CreditPreparedLocked(CreditLocked):
    """The same with rows that were prepared first."""

    name = "tests.credit_prepared_locked"

    def prepare(self, account: Account) -> int:
        return 1

    def process(self, account: Account, amount: int) -> None:
        super().process(account)


class CreditAccounts(Operation):
    """Changes the rows that it gets in memory, saves them, and remembers on itself what it has done."""

    permission = "signed-in"
    name = "tests.credit_accounts"

    def items(self) -> sources.Source[Any]:
        self.seen: list[int] = []
        source: sources.Source[Any] = Scripted.script.get("items", lambda: sources.queryset(Account.objects.all()))()
        return source

    def process(self, account: Account) -> None:
        Scripted.script.get("before", lambda operation, account: None)(self, account)
        account.balance += 1
        self.seen.append(account.pk)
        account.save()
        Scripted.script.get("after", lambda operation, account: None)(self, account)


class CreditSelected(CreditAccounts):
    """The same of a selection."""

    name = "tests.credit_selected"

    def items(self) -> sources.Source[Any]:
        super().items()
        return sources.selection(Account.objects.all())


class CreditPrepared(CreditAccounts):
    """The same; what it prepares, it takes apart."""

    name = "tests.credit_prepared"

    def prepare(self, account: Account) -> dict[str, int]:
        return {"amount": 1}

    def process(self, account: Account, prepared: dict[str, int]) -> None:
        account.balance += prepared.pop("amount") - 1
        super().process(account)


class CreditOnThreads(CreditPrepared):
    """The same on threads."""

    name = "tests.credit_on_threads"
    threads = 4


class ImportWithLedger(ImportAirports):
    """The example's import; each row that gets into the table also gets into the ledger, by its line."""

    name = "tests.import_with_ledger"

    def process(self, row: Any) -> None:
        super().process(row)
        LedgerEntry.objects.create(run=self.run.id, item=str(row.line))

    def label(self, row: Any) -> str:
        return str(row.line)


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


class DieAsItEnds(WriteLedger):
    """Kills its worker once its end is committed, before anything else is done."""

    name = "tests.die_as_it_ends"

    def on_finish(self) -> None:
        transaction.on_commit(lambda: os.kill(os.getpid(), signal.SIGKILL))


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


class WriteInParts(WriteLedger):
    """The same by several workers at once."""

    name = "tests.write_in_parts"
    parts = 4


class ScriptedInParts(Scripted):
    """The same by two workers at once."""

    name = "tests.scripted_in_parts"
    parts = 2


class TouchInParts(TouchThings):
    """A queryset in parts."""

    name = "tests.touch_in_parts"
    parts = 4


class TouchSelectedInParts(TouchSelected):
    """A selection in parts."""

    name = "tests.touch_selected_in_parts"
    parts = 4


class SlowLane(WriteLedger):
    """Has a queue of its own."""

    name = "tests.slow_lane"
    queue = "tests.slow"


class PrepareInline(Operation):
    """Prepares what the test has put into `script`, and writes it into the ledger."""

    permission = "signed-in"
    name = "tests.prepare_inline"

    def items(self) -> sources.Source[Any]:
        source: sources.Source[Any] = Scripted.script.get("items", lambda: Numbers(12))()
        return source

    def prepare(self, number: int) -> Any:
        return Scripted.script.get("prepare", lambda operation, number: number * number)(self, number)

    def process(self, number: int, prepared: Any) -> None:
        Scripted.script.get("before", lambda operation, number: None)(self, number)
        LedgerEntry.objects.create(run=self.run.id, item=f"{number}: {prepared}")
        Scripted.script.get("after", lambda operation, number: None)(self, number)


class PrepareOnThreads(PrepareInline):
    """The same on threads."""

    name = "tests.prepare_on_threads"
    threads = 4


class PrepareQuickly(PrepareInline):
    """What takes longer than a fifth of a second to prepare is hung."""

    name = "tests.prepare_quickly"
    item_timeout = 0.2


class PrepareQuicklyOnThreads(PrepareQuickly):
    """The same on threads."""

    name = "tests.prepare_quickly_on_threads"
    threads = 4


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


class AskInParts(Operation):
    """Waits 20 ms for somebody's answer to each item, and needs next to no CPU for it."""

    permission = "signed-in"
    name = "tests.ask_in_parts"
    params = CountForm
    parts = 8

    def items(self) -> Numbers:
        return Numbers(self.params["count"])

    def prepare(self, number: int) -> int:
        select.select([], [], [], 0.02)
        return number

    def process(self, number: int, answer: int) -> None:
        LedgerEntry.objects.create(run=self.run.id, item=str(answer))


class AskOnThreads(AskInParts):
    """The same by one worker on eight threads."""

    name = "tests.ask_on_threads"
    parts = 1
    threads = 8


class ScriptedFile(Scripted):
    """The same, and each number writes a row of a file first."""

    name = "tests.scripted_file"
    file = File("squares.csv", columns=("number", "square"))

    def process(self, number: int) -> None:
        self.write({"number": number, "square": number**2})
        super().process(number)


class ScriptedOnlyFile(ScriptedFile):
    """The same, and nothing but the file."""

    name = "tests.scripted_only_file"

    def process(self, number: int) -> None:
        self.write({"number": number})
        self.script.get("after", lambda operation, number: None)(self, number)


class ScriptedFileInParts(ScriptedFile):
    """The same in four parts."""

    name = "tests.scripted_file_in_parts"
    parts = 4


class PrepareAndWrite(Operation):
    """Writes where it must not."""

    permission = "signed-in"
    name = "tests.prepare_and_write"
    file = File("wrong.csv", columns=("number",))

    def items(self) -> Numbers:
        return Numbers(5)

    def prepare(self, number: int) -> None:
        self.write({"number": number})

    def process(self, number: int, prepared: None) -> None:
        pass


class PrepareOnThreadsAndWrite(PrepareAndWrite):
    """The same on threads."""

    name = "tests.prepare_on_threads_and_write"
    threads = 4


class ScriptedResults(Scripted):
    """Gives what the script says, and keeps it; by default the square."""

    name = "tests.scripted_results"
    keep_results = True

    def process(self, number: int) -> Any:
        super().process(number)
        return self.script.get("result", lambda number: number**2)(number)


class ScriptedResultsAgain(ScriptedResults):
    """The same, and tries again."""

    name = "tests.scripted_results_again"
    retry = Retry(on=ConnectionError, attempts=3, backoff=30)


class OnlyResults(ScriptedResults):
    """The same, and nothing but the result."""

    name = "tests.only_results"

    def process(self, number: int) -> Any:
        return {"number": number, "square": number**2}


class WriteFileInSets(Operation):
    """Writes a row for each number that the script has nothing against, a chunk at a time."""

    permission = "signed-in"
    name = "tests.write_file_in_sets"
    file = File("numbers.csv", columns=("number",))

    def items(self) -> sources.Source[Any]:
        source: sources.Source[Any] = Scripted.script["items"]()
        return source

    def process_chunk(self, rows: list[int]) -> Any:
        told = [(number, Scripted.script["after"](self, number)) for number in rows]
        for number, verdict in told:
            if verdict is None:
                self.write({"number": number})
        return [(number, verdict) for number, verdict in told if verdict is not None]


class ExportNumbers(Operation):
    """Writes a row of a file for each number."""

    permission = "signed-in"
    name = "tests.export_numbers"
    params = CountForm
    file = File("numbers.csv", columns=("number", "name", "square"))

    def items(self) -> Numbers:
        return Numbers(self.params["count"])

    def process(self, number: int) -> None:
        self.write({"number": number, "name": f"Number {number}, of all numbers", "square": number**2})


class ExportNumbersInParts(ExportNumbers):
    """The same in four parts."""

    name = "tests.export_numbers_in_parts"
    parts = 4
