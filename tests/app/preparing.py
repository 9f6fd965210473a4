"""Operations that prepare their items, in the worker's thread or on others."""

import select
from typing import Any

from headway import File, Operation, sources

from .forms import CountForm
from .models import LedgerEntry
from .scripted import Scripted
from .sources import Numbers


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
