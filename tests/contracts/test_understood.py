"""What staff are told of an unexpected error, in the run's rows, the log and the terminal."""

import io
import logging
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from headway import runs
from headway.models import ItemOutcome
from tests.app.driving import drive, start
from tests.app.models import LedgerEntry

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

Script = dict[str, Any]
HERE = Path(__file__).resolve()


class PricesMissing(Exception):
    pass


def look_up(prices: dict[str, int]) -> int:
    return prices["coffee"]


def look_up_wrapped(*given: Any) -> None:
    try:
        look_up({})
    except KeyError as error:
        raise PricesMissing("no price") from error


def detail_of_first_failed() -> str:
    return ItemOutcome.objects.filter(state="failed").order_by("id")[0].detail


def status(run: Any) -> str:
    out = io.StringIO()
    call_command("headway_status", str(run.pk), stdout=out)
    return out.getvalue()


def test_the_frames_of_the_projects_own_code_are_kept_the_innermost_first(script: Script) -> None:
    script["after"] = lambda operation, number: number == 3 and look_up({})
    drive(start("tests.scripted"))

    first, *frames = detail_of_first_failed().splitlines()
    assert first == "KeyError: 'coffee'"
    assert frames[0].startswith(f"  {HERE}:")
    assert frames[0].endswith(" in look_up")
    assert frames[-1].endswith("tests/app/scripted.py:" + frames[-1].rpartition(":")[2])
    assert frames[-1].endswith(" in process")
    assert len(frames) == 3
    assert "src/headway" not in "".join(frames)


def test_what_an_error_was_raised_from_is_kept_too(script: Script) -> None:
    script["after"] = lambda operation, number: number == 3 and look_up_wrapped()
    drive(start("tests.scripted"))

    told = detail_of_first_failed()
    assert told.startswith("PricesMissing: no price\n")
    assert "\nraised from KeyError: 'coffee'\n" in told
    assert " in look_up\n" in told


def test_a_long_text_leaves_room_for_the_frames(script: Script) -> None:
    def fail(operation: Any, number: int) -> None:
        if number == 3:
            raise ValueError("x" * 100_000)

    script["after"] = fail
    drive(start("tests.scripted"))

    assert detail_of_first_failed().endswith(" in process")


def test_the_shell_tells_of_each_code_an_example_with_its_error(script: Script) -> None:
    script["after"] = lambda operation, number: number in (1, 3) and look_up({})
    told = status(drive(start("tests.scripted")))

    assert "  2 error\n                 1: Something unexpected went wrong with it.\n" in told
    assert "\n                 KeyError: 'coffee'\n                   /" in told
    assert told.count("KeyError") == 1


def test_the_shell_tells_why_a_run_paused_itself_with_the_traceback(script: Script) -> None:
    script["items"] = look_up_wrapped
    run = drive(start("tests.scripted"))
    told = status(run)

    assert run.state == "paused"
    assert "(operation-error)\n             PricesMissing: no price\n               /" in told
    assert "\n             Traceback (most recent call last):\n" in told
    assert runs.get(run.pk).reason_detail.startswith("PricesMissing: no price\n")


def test_a_runs_beginning_and_end_are_one_line_each(script: Script, caplog: pytest.LogCaptureFixture) -> None:
    script["after"] = lambda operation, number: number == 3 and look_up({})
    with caplog.at_level(logging.INFO, "headway.store"), caplog.at_level(logging.INFO, "headway.runner"):
        run = drive(start("tests.scripted"))

    told = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
    assert told == [
        f"run={run.pk} operation=tests.scripted event=began",
        f"run={run.pk} operation=tests.scripted event=ended state=partial succeeded=4 failed=1 skipped=0",
    ]


def test_what_headway_itself_refuses_is_told_without_a_traceback_of_its_inside(script: Script) -> None:
    script["items"] = lambda *given: LedgerEntry.objects.all()[:10]
    told = status(drive(start("tests.scripted")))

    assert "ValueError: A sliced queryset can't be read by key. Filter it instead, or use sources.selection()." in told
    assert "Traceback" not in told
    assert "src/headway" not in told
