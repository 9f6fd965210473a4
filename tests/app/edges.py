"""One and the same item in every way of doing items: what it does, the test has put into `script`."""

import sys
from typing import Any

from headway import Operation, sources

from .forms import CountForm
from .models import LedgerEntry
from .outside import script
from .sources import Numbers

__all__ = ["Edge", "EdgeInSets", "EdgeOutside", "EdgePrepared", "Exit"]


class Edge(Operation):
    """Does what is scripted, then writes its row."""

    name = "tests.edge"

    def items(self) -> sources.Source[Any]:
        source: sources.Source[Any] = script().get("items", lambda: Numbers(5))()
        return source

    def process(self, item: Any) -> None:
        self.do(item)

    def do(self, item: Any) -> None:
        key = str(getattr(item, "pk", item))
        script().get("do", lambda item: None)(item)
        LedgerEntry.objects.create(run=self.run.id, item=key)


class EdgePrepared(Edge):
    """The same with items that threads have prepared."""

    name = "tests.edge_prepared"
    threads = 2

    def prepare(self, item: Any) -> str:
        return "prepared"

    def process(self, item: Any, prepared: str) -> None:
        self.do(item)


class EdgeOutside(Edge):
    """The same with effects outside."""

    name = "tests.edge_outside"
    effects = "outside"
    threads = 2


class EdgeInSets(Edge):
    """The same, a chunk's items by one call."""

    name = "tests.edge_in_sets"
    process = Operation.process

    def process_chunk(self, rows: Any) -> None:
        for row in list(rows):
            self.do(row)


class Exit(Operation):
    """Two of its items end their process: by `sys.exit`, and by an error that is no Exception."""

    name = "tests.exit"
    params = CountForm

    def items(self) -> sources.Source[int]:
        return Numbers(self.params["count"])

    def process(self, number: int) -> None:
        self.do(number)

    def do(self, number: int) -> None:
        if number == 7:
            sys.exit(3)
        if number == 12:
            raise BaseException("no Exception")
        LedgerEntry.objects.create(run=self.run.id, item=str(number))


class ExitPrepared(Exit):
    """The same with items that threads have prepared."""

    name = "tests.exit_prepared"
    threads = 2

    def prepare(self, number: int) -> str:
        return "prepared"

    def process(self, number: int, prepared: str) -> None:
        self.do(number)


class ExitWhilePrepared(Exit):
    """The same while they are prepared."""

    name = "tests.exit_while_prepared"
    threads = 2

    def prepare(self, number: int) -> None:
        if number in (7, 12):
            self.do(number)

    def process(self, number: int, prepared: None) -> None:
        self.do(number)


class ExitOutside(Exit):
    """The same with effects outside."""

    name = "tests.exit_outside"
    effects = "outside"
    threads = 2


class ExitInSets(Exit):
    """The same, a chunk's items by one call."""

    name = "tests.exit_in_sets"
    process = Operation.process

    def process_chunk(self, rows: Any) -> None:
        for row in rows:
            self.do(row)
