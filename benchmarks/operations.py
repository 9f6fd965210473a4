"""What is measured: pure work, one UPDATE for each item, nothing at all, and the moment of the first item."""

import time
from typing import Any, ClassVar

from django import forms
from django.db.models import F, QuerySet

from headway import Operation, sources
from tests.app.sources import Numbers

from .models import Row
from .work import spin

__all__ = [
    "Nothing",
    "Paced50",
    "Paced500",
    "Ping",
    "SideBySide",
    "Spin",
    "Unpaced",
    "UpdateInSets",
    "UpdateRows",
    "update",
]


class SizeForm(forms.Form):
    """How many items, and how much work is in one."""

    items = forms.IntegerField(min_value=0, initial=0)
    turns = forms.IntegerField(min_value=0, initial=0)


class Spin(Operation):
    """Pure work for each number; adds up its own seconds, since what a run takes beyond them is Headway's."""

    permission = "signed-in"
    name = "benchmarks.spin"
    params: Any = SizeForm
    wall: ClassVar[float] = 0.0
    cpu: ClassVar[float] = 0.0

    def items(self) -> Numbers:
        self.turns = self.params["turns"]
        return Numbers(self.params["items"])

    def process(self, number: int) -> None:
        wall, cpu = time.perf_counter(), time.thread_time()
        spin(self.turns)
        Spin.cpu += time.thread_time() - cpu
        Spin.wall += time.perf_counter() - wall


class Nothing(Operation):
    """Numbers, and nothing done with them; one live run for each size."""

    permission = "signed-in"
    name = "benchmarks.nothing"
    params: Any = SizeForm

    def items(self) -> Numbers:
        return Numbers(self.params["items"])

    def process(self, number: int) -> None:
        pass

    def concurrency_key(self) -> Any:
        return self.params["items"]


class UpdateRows(Operation):
    """One UPDATE for each row."""

    permission = "signed-in"
    name = "benchmarks.update_rows"

    def items(self) -> sources.Source[Row]:
        return sources.queryset(Row.objects.all())

    def process(self, row: Row) -> None:
        update(row)


class UpdateInSets(Operation):
    """One UPDATE for each chunk."""

    permission = "signed-in"
    name = "benchmarks.update_in_sets"

    def items(self) -> sources.Source[Row]:
        return sources.queryset(Row.objects.all())

    def process_chunk(self, rows: QuerySet[Row]) -> None:
        rows.update(number=F("number") + 1)


def update(row: Row) -> None:
    """The statement that the bare loops use too."""
    Row.objects.filter(pk=row.pk).update(number=row.number + 1)


class Ping(Operation):
    """One item, whose moment is the result: `monotonic` is one clock for all processes of a machine."""

    permission = "signed-in"
    name = "benchmarks.ping"

    def items(self) -> Numbers:
        return Numbers(1)

    def process(self, number: int) -> None:
        self.reached = time.monotonic()

    def on_finish(self) -> float:
        return self.reached


class PauseForm(forms.Form):
    """How many items, and for how long each waits."""

    items = forms.IntegerField(min_value=0)
    pause_ms = forms.FloatField(min_value=0)


class SideBySide(Operation):
    """As many runs at once as are started; their items wait, as for a disk or a service, and use no CPU."""

    permission = "signed-in"
    name = "benchmarks.side_by_side"
    params: Any = PauseForm
    on_conflict = "allow"

    def items(self) -> Numbers:
        self.pause = self.params["pause_ms"] / 1000
        return Numbers(self.params["items"])

    def process(self, number: int) -> None:
        if self.pause:
            time.sleep(self.pause)


class PacedForm(forms.Form):
    """How many items, and where each writes when it was begun."""

    items = forms.IntegerField(min_value=0)
    sink = forms.CharField()


class Unpaced(Operation):
    """Writes for each number when it was begun, as often as it goes."""

    name = "benchmarks.unpaced"
    params: Any = PacedForm
    on_conflict = "allow"

    def items(self) -> Numbers:
        return Numbers(self.params["items"])

    def process(self, number: int) -> None:
        with open(self.params["sink"], "ab", buffering=0) as sink:
            sink.write(f"{time.monotonic()}\n".encode())  # one call, so that processes don't mix


class Paced50(Unpaced):
    """The same, fifty a second over all workers."""

    name = "benchmarks.paced_50"
    rate = "50/s"


class Paced500(Unpaced):
    """The same, five hundred a second."""

    name = "benchmarks.paced_500"
    rate = "500/s"
