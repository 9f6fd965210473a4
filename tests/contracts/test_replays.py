"""Whatever runs again starts from a state read again: items, what was prepared, and what the operation had gathered."""

import io
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction

from headway import Reject, runs, sources
from headway.models import ItemOutcome
from tests.app.driving import drive, start
from tests.app.models import Account, Child, LedgerEntry, Thing
from tests.once import once

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]
OF_ACCOUNTS = [
    "tests.credit_accounts",
    "tests.credit_on_threads",
    *once("tests.credit_selected", "tests.credit_prepared"),
]
EACH_WAY_TO_GET_ROWS = pytest.mark.parametrize("operation", OF_ACCOUNTS)


class Deadlock(Exception):
    """What a driver raises for one; both drivers' codes at once."""

    sqlstate = "40P01"
    sqlite_errorcode = 5


def accounts(count: int) -> list[Account]:
    return [Account.objects.create() for _ in range(count)]


def balances() -> list[int]:
    return list(Account.objects.order_by("pk").values_list("balance", flat=True))


def fail_after_writing(account: Account, script: Script) -> None:
    raise RuntimeError("after it has saved")


def reject_after_writing(account: Account, script: Script) -> None:
    raise Reject("late", "Too late.")


def break_a_constraint(account: Account, script: Script) -> None:
    Account.objects.create(code="taken")


def be_refused_at_commit(account: Account, script: Script) -> None:
    Child.objects.create(thing_id=999)


def swallow_an_error(account: Account, script: Script) -> None:
    try:
        with transaction.atomic(savepoint=False):
            Account.objects.create(code="taken")
    except IntegrityError:
        pass


@EACH_WAY_TO_GET_ROWS
@pytest.mark.parametrize(
    "go_wrong",
    [fail_after_writing, reject_after_writing, break_a_constraint, be_refused_at_commit, swallow_an_error],
)
def test_an_item_that_fails_costs_no_other_item_its_effect_and_doubles_none(
    operation: str, go_wrong: Any, script: Script
) -> None:
    Account.objects.create(code="taken", balance=-1)
    wrong = [account.pk for account in accounts(12)][4::5]
    script["after"] = lambda op, account: account.pk in wrong and go_wrong(account, script)

    run = drive(start(operation))

    assert run.state == "partial"
    assert balances() == [0, 1, 1, 1, 1, 0, 1, 1, 1, 1, 0, 1, 1]
    assert ItemOutcome.objects.count() == 2


@EACH_WAY_TO_GET_ROWS
def test_a_fault_of_the_database_doubles_no_effect(operation: str, script: Script) -> None:
    fifth = accounts(8)[4].pk

    def meet_a_deadlock(op: Any, account: Account) -> None:
        if account.pk == fifth and script.setdefault("faults", 2):
            script["faults"] -= 1
            raise OperationalError("deadlock detected") from Deadlock()

    script["after"] = meet_a_deadlock

    assert drive(start(operation)).state == "succeeded"
    assert balances() == [1] * 8


@EACH_WAY_TO_GET_ROWS
def test_an_item_that_looks_whether_it_was_done_is_not_skipped_because_of_a_run_that_was_rolled_back(
    operation: str, script: Script
) -> None:
    seventh = accounts(9)[6].pk

    def once(op: Any, account: Account) -> None:
        if account.balance:
            raise Reject("done-already", "It was credited.")

    script["before"] = once
    script["after"] = lambda op, account: account.pk == seventh and fail_after_writing(account, script)
    drive(start(operation))

    assert balances() == [1, 1, 1, 1, 1, 1, 0, 1, 1]
    assert set(ItemOutcome.objects.values_list("code", flat=True)) == {"error"}


@pytest.mark.once
def test_a_row_of_a_file_that_process_takes_apart_is_whole_again_when_it_is_replayed(script: Script) -> None:
    lines = "name,code\n" + "".join(f"n{number},c{number % 9}\n" for number in range(10))
    script["items"] = lambda: sources.csv(io.BytesIO(lines.encode()))
    script["before"] = lambda operation, row: Thing.objects.create(name=row.pop("name"), code=row.pop("code"))
    run = drive(start("tests.scripted"))

    assert (run.state, Thing.objects.count()) == ("partial", 9)
    assert ItemOutcome.objects.get().label == "line 11"


def test_what_the_operation_remembers_of_a_rolled_back_chunk_is_forgotten(script: Script) -> None:
    def before(operation: Any, number: int) -> None:
        if not hasattr(operation, "parent"):
            operation.parent = Thing.objects.create(name="parent", code=f"parent-{number}")
        Child.objects.create(thing=operation.parent)

    script["before"] = before
    script["after"] = lambda operation, number: number == 3 and fail_after_writing(Account(), script)
    run = drive(start("tests.scripted"))

    assert run.state == "partial"
    assert Child.objects.count() == 4
    assert Child.objects.filter(thing__in=Thing.objects.all()).count() == 4


def test_what_an_item_alone_has_made_and_lost_is_remembered_by_nobody_behind_it(script: Script) -> None:
    # With savepoints already: the second failing item is the first to ask for a parent.
    def before(operation: Any, number: int) -> None:
        if number >= 3:
            if not hasattr(operation, "parent"):
                operation.parent = Thing.objects.create(name="parent", code=f"parent-{number}")
            Child.objects.create(thing=operation.parent)

    script["before"] = before
    script["after"] = lambda operation, number: number in (1, 3) and fail_after_writing(Account(), script)
    run = drive(start("tests.scripted"))

    assert run.state == "partial"
    assert sorted(ItemOutcome.objects.values_list("key", flat=True)) == ["1", "3"]
    assert Child.objects.count() == 1


@pytest.mark.once
def test_a_clean_reject_leaves_what_the_operation_has_gathered(script: Script) -> None:
    seen: list[list[int]] = []

    def before(operation: Any, account: Account) -> None:
        seen.append(list(operation.seen))
        if account.pk == third:
            raise Reject("no", "No.")

    third = accounts(5)[2].pk
    script["before"] = before
    drive(start("tests.credit_accounts"))

    assert [len(each) for each in seen] == [0, 1, 2, 2, 3]


def test_what_a_lost_connection_undid_is_done_again_with_fresh_rows(script: Script) -> None:
    fifth = accounts(8)[4].pk

    def lose(operation: Any, account: Account) -> None:
        if account.pk == fifth and script.setdefault("losses", 1):
            script["losses"] -= 1
            connection.close()

    script["after"] = lose
    run = start("tests.credit_accounts")
    from headway.engines.claimant import Claimant

    claimant = Claimant("driven", should_stop=lambda: False, wait=lambda seconds: None)
    while claimant.turn():
        pass

    assert runs.get(run.pk).state == "succeeded"
    assert balances() == [1] * 8
    assert LedgerEntry.objects.count() == 0
