"""What the crash run runs: its effects are rows of the ledger, what goes wrong with which item its parameters say.

So whoever has a run's parameters knows what must be in the ledger, without asking anybody else.
"""

import time
from collections.abc import Iterator
from typing import Any

from django import forms

from headway import Operation, Reject, Skip
from headway.operations.sources import Entry, Json
from tests.app.models import LedgerEntry
from tests.app.sources import Numbers

__all__ = ["Storm", "StormForm", "StormInParts"]


class StormForm(forms.Form):
    """How many items, how long each takes, and which go wrong (comma-separated item numbers)."""

    name = forms.CharField(help_text="One run of this name is live at a time.")
    items = forms.IntegerField(min_value=0)
    read_ms = forms.FloatField(min_value=0, initial=0, help_text="What the source takes, outside transactions.")
    work_us = forms.IntegerField(min_value=0, initial=0, help_text="Pure work for each, inside.")
    reject = forms.CharField(required=False, initial="", help_text="These raise Reject before they write.")
    skip = forms.CharField(required=False, initial="", help_text="These raise Skip before they write.")
    fail = forms.CharField(required=False, initial="", help_text="These raise ValueError after they have written.")
    mend = forms.CharField(required=False, initial="", help_text="The same, but not in a retry.")


class Paced(Numbers):
    """Numbers from a source that is slow."""

    def __init__(self, n: int, read_ms: float) -> None:
        super().__init__(n)
        self.pause = read_ms / 1000

    def read(self, bounds: Json, after: Json) -> Iterator[Entry[int]]:
        for entry in super().read(bounds, after):
            if self.pause:
                time.sleep(self.pause)
            yield entry


class Storm(Operation):
    """Writes a row for each number, one when it starts and one when it finishes."""

    name = "tests.storm"
    params = StormForm
    error_codes = {ValueError: "bad-value"}

    def items(self) -> Numbers:
        self.wrong = {kind: set(self.params[kind].split(",")) for kind in ("reject", "skip", "fail", "mend")}
        return Paced(self.params["items"], self.params["read_ms"])

    def concurrency_key(self) -> Any:
        return self.params["name"]

    def on_start(self) -> None:
        self.write("on_start")

    def process(self, number: int) -> None:
        item = str(number)
        if item in self.wrong["reject"]:
            raise Reject("rejected", f"{item} is not wanted.")
        if item in self.wrong["skip"]:
            raise Skip("skipped", f"{item} needs nothing.")
        self.write(item)
        if item in self.wrong["fail"] or (item in self.wrong["mend"] and self.run.retry_of is None):
            raise ValueError(f"{item} fails")
        until = time.perf_counter() + self.params["work_us"] / 1e6
        while time.perf_counter() < until:
            pass

    def on_finish(self) -> None:
        self.write("on_finish")

    def write(self, item: str) -> None:
        LedgerEntry.objects.create(run=self.run.id, item=item)


class StormInParts(Storm):
    """The same by several workers at once."""

    name = "tests.storm_in_parts"
    parts = 3
