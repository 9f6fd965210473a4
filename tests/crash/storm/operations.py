"""What the crash run runs: its effects are rows of the ledger, what goes wrong with which item its parameters say.

So whoever has a run's parameters knows what must be in the ledger, without asking anybody else.

Like people's code, it changes what it gets and remembers what it has done. Where an item that was used already is
handed out once more, or the operation remembers what was rolled back, items fail that must not, and the judge finds
them.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django import forms

from headway import Operation, Reject, Retry, Skip, TryAgain, sources
from headway.operations.sources import Entry, Json
from tests.app.models import LedgerEntry
from tests.app.sources import Numbers

__all__ = ["Storm", "StormForm", "StormHolding", "StormInParts", "StormOfTrees", "StormOutside"]


class StormForm(forms.Form):
    """How many items, how long each takes, and which go wrong (comma-separated item numbers)."""

    name = forms.CharField(help_text="One run of this name is live at a time.")
    items = forms.IntegerField(min_value=0)
    read_ms = forms.FloatField(min_value=0, initial=0, help_text="What the source takes, outside transactions.")
    work_us = forms.IntegerField(min_value=0, initial=0, help_text="Pure work for each, inside.")
    reject = forms.CharField(required=False, initial="", help_text="These raise Reject before they write.")
    skip = forms.CharField(required=False, initial="", help_text="These raise Skip before they write.")
    fail = forms.CharField(required=False, initial="", help_text="These raise ValueError after they have written.")
    again = forms.CharField(
        required=False, initial="", help_text="These are to be tried again, once each, after a write."
    )
    mend = forms.CharField(required=False, initial="", help_text="The same, but not in a retry.")


class Paced(Numbers):
    """Numbers from a source that is slow, each in a dictionary of its own."""

    def __init__(self, n: int, read_ms: float) -> None:
        super().__init__(n)
        self.pause = read_ms / 1000

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[Any]]:
        for cursor, key, number in super().read(bounds, after):
            if self.pause:
                time.sleep(self.pause)
            yield cursor, key, {"number": number, "uses": 0}

    def fetch(self, keys: Sequence[str]) -> Iterable[tuple[str, Any]]:
        return [(key, {"number": int(key), "uses": 0}) for key in keys]


class Storm(Operation):
    """Writes a row for each number, one when it starts and one when it finishes."""

    permission = "signed-in"
    name = "tests.storm"
    params = StormForm
    error_codes = {ValueError: "bad-value"}
    retry = Retry(backoff=0.5)

    def items(self) -> Numbers:
        self.last: LedgerEntry | None = None
        self.wrong = {kind: set(self.params[kind].split(",")) for kind in ("reject", "skip", "again", "fail", "mend")}
        return Paced(self.params["items"], self.params["read_ms"])

    def concurrency_key(self) -> Any:
        return self.params["name"]

    def on_start(self) -> None:
        self.write("on_start")

    def process(self, given: dict[str, int]) -> None:
        given["uses"] += 1
        item = str(given.pop("number"))
        if given["uses"] > 1:
            raise LookupError(f"{item} was handed out twice")
        if item in self.wrong["reject"]:
            raise Reject("rejected", f"{item} is not wanted.")
        if item in self.wrong["skip"]:
            raise Skip("skipped", f"{item} needs nothing.")
        if self.last and not LedgerEntry.objects.filter(pk=self.last.pk, item=self.last.item).exists():
            raise LookupError(f"{item} was told of {self.last.item}, which was rolled back")
        self.last = self.write(item)
        if item in self.wrong["again"] and self.attempt == 1:
            raise TryAgain(f"{item} has its time still to come.")
        if item in self.wrong["fail"] or (item in self.wrong["mend"] and self.run.retry_of is None):
            raise ValueError(f"{item} fails")
        until = time.perf_counter() + self.params["work_us"] / 1e6
        while time.perf_counter() < until:
            pass

    def on_finish(self) -> None:
        self.write("on_finish")

    def write(self, item: str) -> LedgerEntry:
        return LedgerEntry.objects.create(run=self.run.id, item=item)


class StormOutside(Storm):
    """The same with effects outside: each row is written by a thread, in a transaction of its own."""

    name = "tests.storm_outside"
    effects = "outside"
    threads = 4

    def process(self, given: dict[str, int]) -> None:
        item = str(given.pop("number"))
        if item in self.wrong["reject"]:
            raise Reject("rejected", f"{item} is not wanted.")
        if item in self.wrong["skip"]:
            raise Skip("skipped", f"{item} needs nothing.")
        if item in self.wrong["again"] and self.attempt == 1:
            raise TryAgain(f"{item} has its time still to come.")
        if item in self.wrong["fail"] or (item in self.wrong["mend"] and self.run.retry_of is None):
            raise ValueError(f"{item} fails")
        with self.effect("row"):
            self.write(item)


class StormHolding(Storm):
    """The same, and each of its runs holds two names of eight, each row with the number of one of them."""

    name = "tests.storm_holding"
    parts = 2

    def holds(self) -> list[str]:
        return list(NAMES[hash_of(self.params["name"]) % len(NAMES)])

    def write(self, item: str) -> LedgerEntry:
        name = self.holds()[0]
        return LedgerEntry.objects.create(run=self.run.id, item=item, held=name, fence=self.fence(name))


NAMES = tuple(zip("abcdefgh", "bcdefgha", strict=True))  # each pair shares a name with two others


def hash_of(text: str) -> int:
    """The same in every process."""
    return sum(text.encode())


class StormInParts(Storm):
    """The same by several workers at once."""

    name = "tests.storm_in_parts"
    parts = 3


class StormOfTrees(Storm):
    """The same numbers, each found by another one; in two parts that find each other's. Those that go wrong find none,
    so each is found whatever becomes of others."""

    name = "tests.storm_of_trees"
    discovers = True
    parts = 2

    def items(self) -> sources.Source[Any]:
        super().items()
        leaves = {int(number) for each in self.wrong.values() for number in each if number}
        good = [number for number in range(self.params["items"]) if number not in leaves]
        self.order = [*good, *sorted(leaves)]
        return sources.roots(self.order[:2])

    def process(self, key: str) -> None:
        place = self.order.index(int(key))
        self.add([self.order[0], self.order[place // 7], *self.order[place * 7 + 1 : place * 7 + 8]])
        super().process({"number": int(key), "uses": 0})
