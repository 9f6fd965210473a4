"""What an operation says is kept with its time, once, and never much of it."""

import io
import time
from typing import Any

import pytest
from django.core.management import call_command

from headway import Stop, Wait, runs
from headway.models import ItemOutcome, LogLine, Part, Run
from headway.runner.in_hand import LINES_AT_ONCE, Said
from headway.store.parts import output
from headway.store.parts.leases import Fenced
from tests.app.driving import claim, drive, start
from tests.app.sources import Numbers

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]


def said_in(run: Run) -> list[str]:
    return [line.text for line in runs.log(run.pk)]


def test_what_is_said_is_kept_in_order_with_its_time(script: Script) -> None:
    script["before"] = lambda operation, number: operation.say(f"Number {number}")
    before = time.time()
    run = drive(start("tests.scripted"))

    log = runs.log(run.pk)
    assert [line.text for line in log] == [f"Number {number}" for number in range(5)]
    moments = [line.at.timestamp() for line in log]
    assert moments == sorted(moments)
    assert before - 1 < moments[0] <= moments[-1] < time.time() + 1


@pytest.mark.once
def test_what_is_no_text_is_refused_by_name(script: Script) -> None:
    script["before"] = lambda operation, number: operation.say(number)
    run = drive(start("tests.scripted"))
    assert "say() takes text, not 0." in ItemOutcome.objects.filter(run=run)[0].detail


def test_a_chunk_that_is_done_again_is_in_the_log_once(script: Script) -> None:
    def fail(operation: Any, number: int) -> None:
        operation.say(f"Wrote {number}")
        if number == 3:
            raise ValueError("with something to undo")

    script["after"] = fail
    run = drive(start("tests.scripted"))

    assert run.state == "partial"
    assert said_in(run) == [f"Wrote {number}" for number in range(5)]


@pytest.mark.once
def test_an_operation_that_speaks_for_each_item_is_heard_once_a_second(script: Script, settings: Any) -> None:
    settings.HEADWAY = {"SLICE_SECONDS": 600}  # each slice may begin with some at once
    script["items"] = lambda: Numbers(1_000)
    script["before"] = lambda operation, number: operation.say(f"Number {number}")
    began = time.monotonic()
    run = drive(start("tests.scripted"))

    seconds = time.monotonic() - began
    assert LINES_AT_ONCE <= len(said_in(run)) <= LINES_AT_ONCE + seconds + 1


def test_of_a_long_log_the_last_lines_are_kept(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "KEPT", 3)
    script["before"] = lambda operation, number: operation.say(f"Number {number}")
    script["items"] = lambda: Numbers(10)
    run = drive(start("tests.scripted"))

    assert said_in(run) == ["Number 7", "Number 8", "Number 9"]
    assert LogLine.objects.count() == 3


@pytest.mark.once
def test_what_hooks_say_is_kept_too(script: Script) -> None:
    speakers: list[Any] = []
    script["before"] = lambda operation, number: speakers.append(operation)
    script["on_finish"] = lambda: speakers[-1].say("Sent the summary")
    run = drive(start("tests.scripted"))

    assert said_in(run) == ["Sent the summary"]


@pytest.mark.parametrize("interruption", [Wait(60, "It is down."), Stop("That was all.")])
def test_what_an_item_says_before_it_ends_the_slice_is_kept(script: Script, interruption: Exception) -> None:
    def speak(operation: Any, number: int) -> None:
        operation.say("The service doesn't answer")
        raise interruption

    script["before"] = speak
    run = drive(start("tests.scripted"))

    assert said_in(run) == ["The service doesn't answer"]


def test_a_worker_that_owns_the_part_no_more_keeps_no_line() -> None:
    run = start("tests.scripted")
    part = claim(run)
    Part.objects.update(token=1)

    with pytest.raises(Fenced):
        output.keep_lines(part, [(0, "Too late")])

    assert said_in(run) == []


@pytest.mark.once
def test_the_same_line_again_is_no_line() -> None:
    heard = Said(0)
    for text in ("Reading", "Reading", "", "Writing"):
        heard.note(text)

    assert [text for _, text in heard.lines] == ["Reading", "Writing"]


@pytest.mark.once
def test_the_shell_shows_the_log(script: Script) -> None:
    script["before"] = lambda operation, number: operation.say(f"Number {number}")
    run = drive(start("tests.scripted"))
    out = io.StringIO()
    call_command("headway_status", str(run.pk), stdout=out)

    last = runs.log(run.pk)[-1]
    assert f"  {last.at.astimezone():%H:%M:%S}   Number 4\n" in out.getvalue()


def test_a_deleted_run_leaves_no_line(script: Script) -> None:
    script["before"] = lambda operation, number: operation.say(f"Number {number}")
    run = drive(start("tests.scripted"))
    runs.delete(run)

    assert not LogLine.objects.exists()
