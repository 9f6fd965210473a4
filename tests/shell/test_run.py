"""manage.py headway_run: starts or joins, watches to the end, and says what to do when something is missing."""

import io
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from headway import Operation, runs
from headway.management.commands.headway_run import parse
from headway.models import Run
from headway.operations import schema
from headway.store.parts import workers as known_workers
from tests.app.driving import drive, fresh, start
from tests.app.sources import Numbers
from tests.workers import Workers, environment

from .manage import manage, without_traceback

pytestmark = pytest.mark.once


class ForEverybody(Operation):
    """One at a time, whoever starts it."""

    permission = "signed-in"
    name = "tests.for_everybody"

    def items(self) -> Numbers:
        return Numbers(1)

    def process(self, number: int) -> None: ...

    def concurrency_key(self) -> str:
        return "everybody"


class Clock:
    """Time that passes only while the command sleeps; at its end the user presses Ctrl-C."""

    def __init__(self, seconds: float) -> None:
        self.now, self.end = 1_000.0, 1_000.0 + seconds

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if self.now > self.end:
            raise KeyboardInterrupt


@pytest.mark.django_db(transaction=True)
def test_a_dry_run_says_so_from_beginning_to_end() -> None:
    out = io.StringIO()
    call_command("headway_run", "tests.for_everybody", "--dry-run", stdout=out)
    run = Run.objects.get()
    assert run.dry_run
    assert f"Created dry run {run.pk} of tests.for_everybody." in out.getvalue()

    drive(run)
    call_command("headway_status", str(run.pk), stdout=out)
    call_command("headway_status", stdout=out)
    assert "Dry run: nothing is changed.\n" in out.getvalue()
    assert "For everybody (dry run)  succeeded" in out.getvalue()


def worked_while_watching(monkeypatch: pytest.MonkeyPatch, operation: str) -> tuple[str, str]:
    """(what `headway_run --watch` says, its error) while a worker works whenever the command sleeps."""
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: drive(Run.objects.get()))
    monkeypatch.setattr("headway.management.terminal.time", clock)
    out = io.StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("headway_run", operation, "--watch", stdout=out)
    return out.getvalue(), str(raised.value)


class Terminal(io.StringIO):
    """Output that can be drawn over."""

    def isatty(self) -> bool:
        return True


def watched(monkeypatch: pytest.MonkeyPatch, seconds: float, *arguments: str, out: Any = None) -> str:
    """What `headway_run --watch` says until somebody presses Ctrl-C after so many seconds."""
    clock = Clock(seconds)
    monkeypatch.setattr(
        "headway.management.terminal.time", SimpleNamespace(monotonic=clock.monotonic, sleep=clock.sleep)
    )
    out = out or io.StringIO()
    call_command("headway_run", "tests.write_ledger", "--watch", *arguments, stdout=out)
    return str(out.getvalue())


def run_command(*arguments: str) -> str:
    """What `headway_run` says."""
    out = io.StringIO()
    call_command("headway_run", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
class TestStarting:
    def test_it_says_what_was_started_and_how_to_watch_it(self) -> None:
        said = run_command("tests.write_ledger", "--param", "items=3")
        run = Run.objects.get()
        assert said == (
            f"Created run {run.pk} of tests.write_ledger.\nWatch it: manage.py headway_status {run.pk} --watch\n"
        )
        assert run.params["items"] == 3

    def test_the_same_again_joins_it(self) -> None:
        run = start(items=3)
        assert run_command("tests.write_ledger", "--param", "items=3").startswith(f"Joined run {run.pk} of tests.")

    def test_another_one_that_stands_in_the_way_is_named_with_how_to_see_it(self) -> None:
        run = start(items=3)
        with pytest.raises(CommandError) as raised:
            run_command("tests.write_ledger", "--param", "items=3", "--param", "reject=1")
        assert str(raised.value) == (
            f"Run {run.pk} of tests.write_ledger is live, with other parameters. Wait for its end, or cancel it. "
            f"See: manage.py headway_status {run.pk}"
        )

    def test_somebody_elses_is_not(self) -> None:
        ada, bob = (User.objects.create(username=name) for name in ("ada", "bob"))
        theirs = runs.start("tests.for_everybody", user=ada).run
        with pytest.raises(CommandError) as raised:
            run_command("tests.for_everybody", "--user", bob.username)
        assert str(raised.value) == "Somebody else's run of tests.for_everybody is live. Wait for its end."
        assert str(theirs.pk) not in str(raised.value)

    def test_it_may_be_started_for_a_user(self) -> None:
        ada = User.objects.create(username="ada")
        run_command("tests.write_ledger", "--user", "ada")
        assert Run.objects.get().started_by == ada


@pytest.mark.django_db
class TestWatching:
    def test_without_a_worker_it_says_what_to_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        said = watched(monkeypatch, 10).splitlines()
        run = Run.objects.get()
        assert said == [
            f"Created run {run.pk} of tests.write_ledger.",
            "Write ledger  queued: no worker is there  0 so far",
            "No worker is there. Start one: manage.py headway_worker",
            "",
            f"The run goes on. Watch it again: manage.py headway_status {run.pk} --watch",
        ]

    def test_a_worker_that_is_just_being_started_gets_its_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert "Start one" not in watched(monkeypatch, 2.5)

    def test_with_a_worker_it_says_no_such_thing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        known_workers.beat("somebody", "host", 1, 1)
        assert "no worker" not in watched(monkeypatch, 10).lower()

    def test_a_terminal_is_drawn_over(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "60")
        said = watched(monkeypatch, 3.5, out=Terminal())
        drawn = "\r\x1b[2KWrite ledger  queued: no worker is there  0 so far"
        notice = "\r\x1b[2KNo worker is there. Start one: manage.py headway_worker\n"
        assert said.count(drawn) > 10
        assert said.count(notice) == 1


@pytest.mark.parametrize(
    ("pairs", "given"),
    [
        (["number=5"], {"number": 5}),
        (["number=five"], {"number": "five"}),  # the schema refuses it, and says what would be right
        (["text=5"], {"text": "5"}),
        (["text=a=b"], {"text": "a=b"}),
        (["text="], {"text": ""}),
        (["flag=true"], {"flag": True}),
        (["maybe=null"], {"maybe": None}),
        (["price=1.10"], {"price": "1.10"}),
        (["many=a", "many=b"], {"many": ["a", "b"]}),
        (["more={}"], {"more": "{}"}),  # a form's JSON field parses it
        (["oops=1"], {"oops": "1"}),
    ],
)
def test_a_parameter_is_what_its_field_makes_of_it(pairs: list[str], given: dict[str, Any]) -> None:
    fields = {
        "number": forms.IntegerField(),
        "text": forms.CharField(),
        "flag": forms.BooleanField(),
        "maybe": forms.NullBooleanField(),
        "price": forms.DecimalField(),
        "many": forms.MultipleChoiceField(choices=[("a", "A"), ("b", "B")]),
        "more": forms.JSONField(),
    }
    form: type[forms.Form] = type("SomeForm", (forms.Form,), fields)
    with ExitStack() as files:
        assert parse(pairs, schema.of_form(form)["properties"], files) == given


@pytest.mark.django_db(transaction=True)
class TestToTheEnd:
    def test_a_run_that_pauses_is_exit_code_1_and_says_why(
        self, monkeypatch: pytest.MonkeyPatch, script: dict[str, Any]
    ) -> None:
        def broken() -> Any:
            raise RuntimeError("not yet written")

        script["items"] = broken
        said, error = worked_while_watching(monkeypatch, "tests.scripted")
        assert (
            "  reason     Its items can't be found. Mend it, then resume; nothing is lost. (operation-error)\n" in said
        )
        assert error == "The run is paused; it goes on when somebody resumes it."

    def test_it_prints_the_counts_and_a_run_that_failed_is_exit_code_1(self, workers: Workers) -> None:
        workers.start()
        said = manage(
            "headway_run", "tests.write_ledger", "--watch", "--param", "items=50",
            "--param", "reject=3,4", "--param", "fail=5", "--param", "skip=6",
        )  # fmt: skip
        run = Run.objects.get()
        assert (said.returncode, said.stderr) == (0, ""), said
        lines = said.stdout.splitlines()
        assert lines[0] == f"Created run {run.pk} of tests.write_ledger."
        counts = [line for line in lines if ".py:" not in line][-12:]  # but for where it was raised
        assert counts == [
            f"Write ledger  partial  {'█' * 40} 100.0 %  50 of 50 · 3 failed · 1 skipped",
            f"Write ledger (tests.write_ledger), run {run.pk}",
            "  state      partial",
            "  processed  50 of 50",
            "  succeeded  46",
            "  failed     3",
            "             2 rejected",
            "                 3: 3 is not wanted.",
            "             1 bad-value",
            "                 5: It failed as “bad-value”.",
            "                 ValueError: 5 fails",
            "  skipped    1",
        ]

        failed = manage("headway_run", "tests.write_ledger", "--watch", "--param", "items=1", "--param", "reject=0")
        assert without_traceback(failed) == "CommandError: The run ended as failed.\n"
        assert "  reason     Every item failed. (every-item-failed)\n" in failed.stdout

    def test_ctrl_c_leaves_the_run_going_and_says_how_to_watch_it_again(self) -> None:
        watching = subprocess.Popen(
            [sys.executable, "manage.py", "headway_run", "tests.write_ledger", "--watch"],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # Whoever starts the suite in the background of a shell hands an ignored Ctrl-C on to all of it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        try:
            seen = read_until(watching, b"queued")
            watching.send_signal(signal.SIGINT)
            out, err = watching.communicate(timeout=30)
        finally:
            watching.kill()
            watching.wait()
        run = Run.objects.get()
        assert (watching.returncode, err) == (0, b"")
        assert (
            (seen + out)
            .decode()
            .endswith(f"\nThe run goes on. Watch it again: manage.py headway_status {run.pk} --watch\n")
        )
        assert run.state == "queued"
        assert drive(run).state == "succeeded"

    def test_a_watched_run_that_somebody_cancels_is_exit_code_1(self) -> None:
        run = start()
        watching = subprocess.Popen(
            [sys.executable, "manage.py", "headway_run", "tests.write_ledger", "--watch"],
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            assert b"Joined run" in read_until(watching, b"queued")
            runs.cancel(run)
            _, err = watching.communicate(timeout=30)
        finally:
            watching.kill()
            watching.wait()
        assert (watching.returncode, err) == (1, b"CommandError: The run ended as cancelled.\n")
        assert fresh(run).state == "cancelled"


def read_until(process: subprocess.Popen[bytes], word: bytes, seconds: float = 30) -> bytes:
    """What the process has said up to and with this word."""
    assert process.stdout is not None
    said, give_up = b"", time.monotonic() + seconds
    while word not in said:
        ready, _, _ = select.select([process.stdout], [], [], max(0, give_up - time.monotonic()))
        assert ready, f"{word!r} did not come within {seconds} s, only {said!r}"
        block = os.read(process.stdout.fileno(), 65536)
        assert block, f"it ended without {word!r}, with {said!r}"
        said += block
    return said
