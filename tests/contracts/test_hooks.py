"""The operation's own code around its items: when it raises, the run waits for a person, and nothing is lost."""

from typing import Any

import pytest

from headway import runs
from headway.models import Run
from tests.app.driving import drive, fresh, start
from tests.app.models import LedgerEntry, Thing
from tests.app.sources import Numbers
from tests.once import once

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]


class Broken(Exception):
    """What the operation's code raises."""


def broken(*args: Any) -> Any:
    raise Broken("not yet written")


class BreaksAt(Numbers):
    """Numbers whose reading breaks at one of them."""

    def read(self, bounds: Any, after: Any) -> Any:
        for entry in super().read(bounds, after):
            if entry[2] == 3:
                raise Broken("the file has a hole")
            yield entry


@pytest.mark.parametrize(
    ("what", "breaks"),
    [
        ("on_start", broken),
        ("on_finish", broken),
        *once(("items", broken), ("items", lambda: BreaksAt(5)), ("items", lambda: 5)),
    ],
)
def test_the_run_pauses_and_goes_on_once_it_is_mended(script: Script, what: str, breaks: Any) -> None:
    script[what] = breaks
    run = drive(start("tests.scripted"))
    assert (run.state, run.reason_code) == ("paused", "operation-error")
    assert run.reason_text
    assert run.reason_detail

    del script[what]
    runs.resume(run)
    run = drive(run)

    assert (run.state, run.reason_code) == ("succeeded", "")
    assert LedgerEntry.objects.count() == 5


def test_what_on_start_wrote_is_undone_when_it_raises(script: Script) -> None:
    def on_start() -> None:
        Thing.objects.create(name="x", code="x")
        raise Broken

    script["on_start"] = on_start
    drive(start("tests.scripted"))
    assert not Thing.objects.exists()


@pytest.mark.once
def test_what_on_finish_returns_is_the_result_and_must_be_json(script: Script) -> None:
    script["on_finish"] = lambda: {"mean": float("nan")}
    run = drive(start("tests.scripted"))
    assert (run.state, run.reason_code) == ("paused", "operation-error")
    assert "not JSON" in run.reason_detail

    script["on_finish"] = lambda: {"mean": 2.5}
    runs.resume(run)
    assert drive(run).result == {"mean": 2.5}


@pytest.mark.once
def test_a_run_whose_operation_is_gone_waits_for_it(script: Script) -> None:
    run = start("tests.scripted")
    Run.objects.filter(pk=run.pk).update(operation="tests.removed")
    run = drive(run)
    assert (run.state, run.reason_code) == ("paused", "operation-error")
    assert "tests.removed" in run.reason_detail

    Run.objects.filter(pk=run.pk).update(operation="tests.scripted")
    runs.resume(run)
    assert drive(run).state == "succeeded"


def test_a_run_can_be_cancelled_while_it_waits_to_be_mended(script: Script) -> None:
    script["on_finish"] = broken
    run = drive(start("tests.scripted"))
    runs.cancel(run)
    assert fresh(run).state == "cancelled"
