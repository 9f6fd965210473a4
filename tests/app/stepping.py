"""Operations with steps in place of items: each writes a line as it begins, and one as it ends."""

import os
import select
from collections.abc import Callable
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from headway import Operation, Retry, tracing

from .gates import Gate
from .outside import script, write_line

__all__ = ["Publish", "listen_at"]

NAMES = ("download", "convert", "publish")


class Taking:
    """The three steps of an operation that says in `take` what each does."""

    take: Callable[[str], None]

    def download(self) -> None:
        self.take("download")

    def convert(self) -> None:
        self.take("convert")

    def publish(self) -> None:
        self.take("publish")


class PublishForm(forms.Form):
    """Where lines go, and at which step a gate stands ("convert:/path"); it hears the run there, or is deaf."""

    sink = forms.CharField()
    gate = forms.CharField(required=False)
    deaf = forms.BooleanField(required=False)


class Publish(Taking, Operation):
    """Downloads, converts, publishes."""

    permission = "signed-in"
    name = "tests.publish"
    params: Any = PublishForm
    steps: Any = NAMES

    def take(self, name: str) -> None:
        """One of them."""
        write_line(self.params["sink"], f"{name} begun")
        self.say(f"{name} of {self.run.id}")
        self.progress(3, 12)
        at, _, path = self.params["gate"].partition(":")
        try:
            if at == name:
                Gate(path).wait_here() if self.params["deaf"] else listen_at(path, lambda: self.progress(6, 12))
            write_line(self.params["sink"], f"{name} ended")
        finally:
            self.say(f"{name} is left")


class PublishTranslated(Publish):
    """The same, whose steps have names that Django itself translates."""

    name = "tests.publish_translated"
    steps: Any = {"download": _("January"), "convert": _("February"), "publish": _("March")}


class Rebuild(Operation):
    """One long step, which the test fills in as `script["run"]`."""

    permission = "signed-in"
    name = "tests.rebuild"
    title = "Rebuild the index"

    def run(self) -> None:
        script()["run"](self)


class SendOn(Operation):
    """Writes down what a webhook would send of the trace."""

    permission = "signed-in"
    name = "tests.send_on"
    params: Any = PublishForm

    def run(self) -> None:
        write_line(self.params["sink"], tracing.headers()["traceparent"])


class ScriptedSteps(Taking, Operation):
    """Steps that the test fills in by their names; those that it doesn't do nothing."""

    permission = "signed-in"
    name = "tests.scripted_steps"
    steps = {"download": "Get the files", "convert": "Make them small", "publish": "Put them online"}
    retry = Retry(on=ConnectionError, attempts=3, backoff=30)

    def take(self, name: str) -> None:
        """One of them."""
        script().setdefault("taken", []).append(name)
        script().get(name, lambda operation: None)(self)

    def on_finish(self) -> Any:
        return {"steps": self.run.counts().succeeded}


def listen_at(path: str, progress: Callable[[], None]) -> None:
    """Wait at a gate, and tell progress meanwhile, which may end it."""
    gate = Gate(path)
    with open(gate.reached, "wb", buffering=0) as said:
        said.write(f"{os.getpid()}\n".encode())
    with open(gate.opened, "rb", buffering=0) as opened:
        os.set_blocking(opened.fileno(), False)
        while opened.read(1) is None:
            progress()
            select.select([opened], [], [], 0.02)


class PublishImpatiently(Publish):
    """The same; no step may be silent for longer than a second."""

    name = "tests.publish_impatiently"
    item_timeout = 1.0
