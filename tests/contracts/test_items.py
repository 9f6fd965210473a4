"""What becomes of an item, however it ends: its effects, its outcome and the counts agree."""

from typing import Any

import pytest
from django.db import IntegrityError, transaction

from headway import Reject, Skip, Stop
from headway.models import ItemOutcome
from tests.app.driving import drive, start
from tests.app.models import Child, LedgerEntry, Thing

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]


def ledger() -> list[int]:
    return sorted(int(item) for item in LedgerEntry.objects.values_list("item", flat=True))


def outcomes() -> dict[str, tuple[str, str]]:
    return {o.key: (o.state, o.code) for o in ItemOutcome.objects.all()}


def test_every_item_ends_as_succeeded_failed_or_skipped() -> None:
    run = drive(start(items=8, reject="1,2", skip="3", fail="5"))

    part = run.parts.get()
    assert run.state == "partial"
    assert (part.succeeded, part.failed, part.skipped) == (4, 3, 1)
    assert (run.total, run.total_exact) == (8, True)
    assert ledger() == [0, 4, 6, 7]
    assert outcomes() == {
        "1": ("failed", "rejected"),
        "2": ("failed", "rejected"),
        "3": ("skipped", "skipped"),
        "5": ("failed", "bad-value"),
    }


@pytest.mark.once
def test_an_empty_run_succeeds() -> None:
    assert drive(start(items=0)).state == "succeeded"


@pytest.mark.once
def test_a_run_in_which_nothing_succeeded_has_failed_and_says_so() -> None:
    run = drive(start(items=2, fail="0,1"))
    assert (run.state, run.reason_code) == ("failed", "every-item-failed")


def test_a_failing_item_undoes_itself_alone(script: Script) -> None:
    def after(operation: Any, number: int) -> None:
        if number % 2:
            raise RuntimeError("odd")

    script["after"] = after
    run = drive(start("tests.scripted"))

    assert ledger() == [0, 2, 4]
    assert run.state == "partial"
    failure = ItemOutcome.objects.get(key="1")
    assert failure.code == "error"
    assert "odd" not in failure.text
    first, where, *_ = failure.detail.splitlines()
    assert first == "RuntimeError: odd"
    assert where.startswith(f"  {__file__}:")


def test_a_reject_after_a_write_undoes_the_write(script: Script) -> None:
    def after(operation: Any, number: int) -> None:
        if number == 2:
            raise Reject("late", "Too late.")
        if number == 3:
            raise Skip("later", "Even later.")

    script["after"] = after
    drive(start("tests.scripted"))

    assert ledger() == [0, 1, 4]
    assert outcomes() == {"2": ("failed", "late"), "3": ("skipped", "later")}


def test_a_clean_reject_costs_no_second_run_of_the_items_before_it(script: Script) -> None:
    seen = []

    def before(operation: Any, number: int) -> None:
        seen.append(number)
        Thing.objects.filter(code="none").exists()
        if number == 3:
            raise Reject("clean", "It has only read.")

    script["before"] = before
    drive(start("tests.scripted"))

    assert seen == [0, 1, 2, 3, 4]


def test_a_constraint_of_the_database_fails_its_item_alone(script: Script) -> None:
    script["after"] = lambda operation, number: Thing.objects.create(name="x", code=f"code-{number % 4}")
    run = drive(start("tests.scripted"))

    assert ledger() == [0, 1, 2, 3]
    assert outcomes() == {"4": ("failed", "error")}
    assert run.state == "partial"


def test_a_deferred_constraint_fails_its_items_at_commit_and_no_others() -> None:
    run = drive(start("tests.adopt_children"))

    assert Child.objects.count() == 8
    assert sorted(outcomes()) == ["11", "2", "5", "8"]
    assert run.result == {"children": 8, "failed": 4}


def test_an_item_that_swallows_a_database_error_is_the_one_that_fails(script: Script) -> None:
    Thing.objects.create(name="there", code="there")

    def after(operation: Any, number: int) -> None:
        if number == 1:
            try:
                with transaction.atomic(savepoint=False):
                    Thing.objects.create(name="again", code="there")
            except IntegrityError:
                pass  # the mistake: the transaction can't go on

    script["after"] = after
    drive(start("tests.scripted"))

    assert ledger() == [0, 2, 3, 4]
    assert list(outcomes()) == ["1"]
    assert "transaction.atomic()" in ItemOutcome.objects.get().detail


def test_on_commit_hooks_run_once_for_what_was_committed(script: Script) -> None:
    mailed = []

    def after(operation: Any, number: int) -> None:
        transaction.on_commit(lambda: mailed.append(number))
        if number == 3:
            raise RuntimeError("after the hook was registered")

    script["after"] = after
    drive(start("tests.scripted"))

    assert mailed == [0, 1, 2, 4]


def test_a_reject_after_a_hook_takes_the_hook_back(script: Script) -> None:
    mailed = []

    def before(operation: Any, number: int) -> None:
        transaction.on_commit(lambda: mailed.append(number))
        if number == 1:
            raise Reject("no", "No.")

    script["before"] = before
    drive(start("tests.scripted"))

    assert mailed == [0, 2, 3, 4]


def test_a_failing_hook_does_not_lose_the_hooks_behind_it(script: Script) -> None:
    mailed = []

    def mail(number: int) -> None:
        if number == 1:
            raise RuntimeError("the mail server is down")
        mailed.append(number)

    script["after"] = lambda operation, number: transaction.on_commit(lambda: mail(number))
    run = drive(start("tests.scripted"))

    assert mailed == [0, 2, 3, 4]
    assert run.state == "succeeded"
    assert ledger() == [0, 1, 2, 3, 4]


@pytest.mark.once
def test_stop_ends_the_run_and_leaves_its_item_unreached(script: Script) -> None:
    def after(operation: Any, number: int) -> None:
        if number == 3:
            raise Stop("The account is closed.")

    script["after"] = after
    run = drive(start("tests.scripted"))

    assert (run.state, run.reason_code, run.reason_text) == ("failed", "stopped", "The account is closed.")
    assert ledger() == [0, 1, 2]
    assert run.parts.get().cursor == 3
    assert run.live_key is None


def test_texts_that_a_database_refuses_are_stored_all_the_same(script: Script) -> None:
    def before(operation: Any, number: int) -> None:
        raise Reject("odd-text", "a NUL \x00, half a pair \ud800, and long: " + "x" * 5000)

    script["before"] = before
    run = drive(start("tests.scripted"))

    assert run.state == "failed"
    assert ItemOutcome.objects.count() == 5


@pytest.mark.once
def test_the_message_of_a_run_is_what_was_said_last(script: Script) -> None:
    script["after"] = lambda operation, number: operation.say(f"number {number}")
    run = drive(start("tests.scripted"))
    assert run.parts.order_by("id")[0].message == "number 4"
