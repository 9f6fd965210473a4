"""What fails again and again at one place: the item that is the cause is found and written down, or the run pauses with
the reason. No run goes round for ever."""

from typing import Any

import pytest
from django.db import OperationalError, connection, connections

from headway import runs, sources
from headway.engines.claimant import Claimant
from headway.models import ItemOutcome, Part, Run
from headway.store.parts import leases
from tests.app.driving import claim, fresh, start, work
from tests.app.models import LedgerEntry
from tests.app.sources import Numbers

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]
MOST_TURNS = 60


class DiskFull(Exception):
    """What a driver raises for it; both drivers' codes at once."""

    sqlstate = "53100"
    sqlite_errorcode = 13


def disk_full() -> None:
    raise OperationalError("could not extend file: No space left on device") from DiskFull()


def kill_own_backend() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")


WAYS = [
    pytest.param(lambda: connection.close(), id="closes the connection"),
    pytest.param(lambda: connections.close_all(), id="closes all connections"),
    pytest.param(disk_full, id="meets a fault each time"),
    pytest.param(kill_own_backend, id="kills its backend", marks=pytest.mark.postgresql),
]


def drive(run: Run) -> Run:
    """Work as an engine's worker does, until nothing of it is due; what rests for a while is made due at once."""
    claimant = Claimant("driven", should_stop=lambda: False, wait=lambda seconds: None)
    for _ in range(MOST_TURNS):
        Part.objects.filter(run=run, due__isnull=False).update(due=1)
        if claimant.turn() is None:
            return fresh(run)
    raise AssertionError(f"after {MOST_TURNS} turns it still goes round")


def ledger() -> list[int]:
    return sorted(int(item) for item in LedgerEntry.objects.values_list("item", flat=True))


def at(wrong: set[int], act: Any) -> Any:
    return lambda operation, number: number in wrong and act()


@pytest.mark.parametrize("act", WAYS)
def test_an_item_that_always_costs_the_connection_is_found_and_written_down(act: Any, script: Script) -> None:
    script |= {"items": lambda: Numbers(12), "after": at({5}, act)}
    run = drive(start("tests.scripted"))

    assert (run.state, ledger()) == ("partial", [n for n in range(12) if n != 5])
    found = ItemOutcome.objects.get()
    assert (found.key, found.code) == ("5", "database-fault")
    assert "4 times" in found.text


def test_a_database_that_fails_at_several_items_pauses_the_run_for_a_person_and_each_resume_goes_on(
    script: Script, caplog: pytest.LogCaptureFixture
) -> None:
    script |= {"items": lambda: Numbers(12), "after": at({2, 3, 4, 5, 6}, disk_full)}
    run = drive(start("tests.scripted"))
    assert (run.state, run.reason_code) == ("paused", "database-fault")
    assert run.reason_detail.startswith("OperationalError: could not extend file: No space left on device")
    assert [line for line in caplog.messages if f"run={run.pk} event=paused reason=database-fault" in line]
    assert sorted(ItemOutcome.objects.values_list("key", flat=True)) == ["2", "3", "4"]

    runs.resume(run)
    run = drive(run)

    assert (run.state, ledger()) == ("partial", [0, 1, 7, 8, 9, 10, 11])
    assert run.reason_detail == ""


@pytest.mark.parametrize("what", ["items", "on_start", "on_finish"])
def test_a_hook_that_always_costs_the_connection_pauses_the_run(what: str, script: Script) -> None:
    def lose() -> Any:
        connection.close()
        return disk_full()

    script[what] = lose
    run = drive(start("tests.scripted"))
    assert (run.state, run.reason_code) == ("paused", "database-fault")

    del script[what]
    runs.resume(run)
    run = drive(run)
    assert (run.state, run.reason_code, ledger()) == ("succeeded", "", [0, 1, 2, 3, 4])


def test_while_it_is_tried_again_the_run_says_so_and_not_afterwards(script: Script) -> None:
    script["before"] = at({2}, disk_full)
    run = start("tests.scripted")
    work(claim(run))
    part = Part.objects.get()
    assert (part.message, part.setbacks) == (leases.TRIED_AGAIN, 1)

    del script["before"]
    run = drive(run)
    part.refresh_from_db()
    assert (run.state, part.message, part.setbacks) == ("succeeded", "", 0)


def test_a_fault_of_another_database_is_the_items_own(script: Script) -> None:
    def elsewhere() -> None:
        raise OperationalError("could not connect to the other server")

    script["before"] = at({2}, elsewhere)
    run = drive(start("tests.scripted"))
    assert (run.state, ledger()) == ("partial", [0, 1, 3, 4])
    assert ItemOutcome.objects.get().code == "error"


def test_a_loss_that_passes_judges_no_item(script: Script) -> None:
    script["losses"] = 2

    def lose() -> None:
        if script["losses"]:
            script["losses"] -= 1
            connection.close()

    script["after"] = at({2}, lose)
    run = drive(start("tests.scripted"))
    assert (run.state, ledger()) == ("succeeded", [0, 1, 2, 3, 4])


def test_a_label_whose_query_fails_costs_no_more_than_the_label(script: Script) -> None:
    class Nameless(Numbers):
        def label(self, item: int) -> str:
            with connection.cursor() as cursor:
                cursor.execute("SELECT name FROM a_view_that_was_dropped")
            return "never"

    def fail(operation: Any, number: int) -> None:
        raise ValueError("bad data")

    script |= {"items": lambda: Nameless(4), "after": lambda op, number: number in (1, 2) and fail(op, number)}
    run = drive(start("tests.scripted"))
    assert (run.state, ledger()) == ("partial", [0, 3])
    assert sorted(ItemOutcome.objects.values_list("label", flat=True)) == ["1", "2"]


def test_a_source_that_names_no_place_to_go_on_ends(script: Script) -> None:
    script["items"] = lambda: sources.queryset(LedgerEntry.objects.none())
    assert drive(start("tests.scripted")).state == "succeeded"
