"""Operations under a rate: each item writes a line into a file when it is begun, so that a test can count them."""

import os
import time
from pathlib import Path
from typing import Any

from django import forms

from headway import Operation, Rate
from tests.processes import whole_lines

from .outside import script, write_line
from .sources import Numbers

__all__ = ["KINDS", "PACED", "begun", "most_within"]


class PacedForm(forms.Form):
    items = forms.IntegerField(initial=20)
    sink = forms.CharField(initial=os.devnull)
    seconds = forms.FloatField(initial=0.0)


class Paced(Operation):
    """What all of them have in common."""

    abstract = True
    params = PacedForm
    parts = 1
    on_conflict = "allow"

    def items(self) -> Any:
        return script().get("items", lambda: Numbers(self.params["items"]))()

    def begin(self, number: int) -> None:
        write_line(self.params["sink"], f"{time.monotonic()} {number} {os.getpid()}")
        script().get("begin", lambda operation, number: None)(self, number)
        time.sleep(self.params["seconds"])  # what is called takes so long


class PacedProcess(Paced):
    """Its items are done in the chunk's transaction."""

    abstract = True

    def process(self, number: int) -> None:
        self.begin(number)


class PacedSets(Paced):
    """Many items by one call."""

    abstract = True

    def process_chunk(self, rows: Any) -> None:
        for number in rows:
            self.begin(number)


class PacedPrepare(Paced):
    """Its items are prepared by the loop."""

    abstract = True

    def prepare(self, number: int) -> int:
        self.begin(number)
        return number

    def process(self, number: int, prepared: int) -> None:
        script().get("process", lambda operation, number: None)(self, number)


class PacedThreads(PacedPrepare):
    """The same on threads."""

    abstract = True
    threads = 8


class PacedOutside(Paced):
    """Its items are calls."""

    abstract = True
    threads = 8
    effects = "outside"

    def process(self, number: int) -> None:
        with self.effect("line"):
            self.begin(number)


KINDS = {
    "process": PacedProcess,
    "sets": PacedSets,
    "prepare": PacedPrepare,
    "threads": PacedThreads,
    "outside": PacedOutside,
}
RATES: dict[str, str | None] = {
    "none": None,
    "50_s": "50/s",
    "500_s": "500/s",
    "1_s": "1/s",
    "20_min": "20/min",
    "1_min": "1/min",
}
PACED = {
    (kind, rate): type(
        f"Paced{kind}{rate}".title().replace("_", ""),
        (base,),
        {"name": f"tests.paced_{kind}_{key}", "rate": rate, "abstract": False, "__module__": __name__},
    )
    for kind, base in KINDS.items()
    for key, rate in RATES.items()
}


class PacedTogether(PacedThreads):
    """One of two operations that share a rate."""

    name = "tests.paced_together"
    rate = Rate("50/s", name="service")


class PacedTogetherToo(PacedOutside):
    """The other one."""

    name = "tests.paced_together_too"
    rate = Rate("50/s", name="service")


def most_within(sink: Any, seconds: float) -> int:
    """How many items were begun at most within so many seconds."""
    at = begun(sink)
    return max(sum(first <= each <= first + seconds for each in at) for first in at)


def begun(sink: Any) -> list[float]:
    """When items were begun (`monotonic`), in order."""
    return sorted(float(line.split()[0]) for line in whole_lines(Path(sink)))
