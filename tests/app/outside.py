"""Operations whose effects are outside: lines of a file, one for each call, with its key."""

import os
import time
from typing import Any

from django import forms

from headway import Operation, Retry, runs, sources
from headway.models import ItemOutcome, Run
from headway.operations import registry

from .driving import drive
from .sources import Numbers

__all__ = ["CallOut", "ScriptedOutside", "codes", "doubtful", "write_line"]


class CallForm(forms.Form):
    items = forms.IntegerField(initial=20)
    sink = forms.CharField()
    seconds = forms.FloatField(initial=0.0)


class CallOut(Operation):
    """Writes a line for each number: as it is called, and as it returns."""

    permission = "signed-in"
    name = "tests.call_out"
    params = CallForm
    effects = "outside"
    threads = 8

    def items(self) -> Numbers:
        return Numbers(self.params["items"])

    def process(self, number: int) -> None:
        with self.effect("line") as effect:
            write_line(self.params["sink"], f"{number} {effect.key}")
            time.sleep(self.params["seconds"])  # what is called takes so long


class ScriptedOutside(Operation):
    """Does to each number what the test has put into `script`."""

    permission = "signed-in"
    name = "tests.scripted_outside"
    effects = "outside"
    threads = window = 4

    def items(self) -> sources.Source[Any]:
        source: sources.Source[Any] = script().get("items", lambda: Numbers(12))()
        return source

    def process(self, item: Any) -> Any:
        return script().get("call", lambda operation, item: None)(self, item)


class ScriptedOutsideHung(ScriptedOutside):
    """The same; no call may take longer than a quarter of a second."""

    name = "tests.scripted_outside_hung"
    item_timeout = 0.25


class ScriptedOutsideKept(ScriptedOutside):
    """The same, and what each call gives is kept."""

    name = "tests.scripted_outside_kept"
    keep_results = True


class ScriptedOutsideAgain(ScriptedOutside):
    """The same, and what can't be reached is tried again; what is in doubt, too."""

    name = "tests.scripted_outside_again"
    in_doubt = "again"
    retry = Retry(on=ConnectionError, attempts=3, backoff=30)


class ScriptedOutsideAsking(ScriptedOutside):
    """The same, and what is in doubt is asked for."""

    name = "tests.scripted_outside_asking"
    in_doubt = "settle"

    def settle(self, item: Any) -> bool:
        return bool(script()["settle"](self, item))


def doubtful(user: Any) -> Run:
    """This user's run of twelve, of which three are in doubt. It fills the script in."""

    def call(operation: Any, number: int) -> None:
        with operation.effect("line"):
            if number in (2, 5, 7):
                raise TimeoutError("no answer")

    script()["call"] = call
    return drive(runs.start("tests.scripted_outside", user=user).run)


def codes(run: Run) -> dict[str, str]:
    """Of the items that are written down, by key."""
    return dict(ItemOutcome.objects.filter(run=run).order_by("id").values_list("key", "code"))


def script() -> dict[str, Any]:
    """What the test has filled in."""
    operation: Any = registry.get("tests.scripted")
    filled: dict[str, Any] = operation.script
    return filled


def write_line(path: str, line: str) -> None:
    """Append it in one call, so that lines of several processes don't mix."""
    sink = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(sink, f"{line}\n".encode())
    finally:
        os.close(sink)
