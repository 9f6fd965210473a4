"""No row is older than its chunk, and none is older than what the same chunk has done to its neighbours."""

from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from headway.models import ItemOutcome
from tests.app.driving import after_items, claim, drive, start, work
from tests.app.models import Account
from tests.once import once

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]
OF_ACCOUNTS = [
    "tests.credit_accounts",
    "tests.credit_on_threads",
    *once("tests.credit_selected", "tests.credit_prepared"),
]
EACH_WAY_TO_GET_ROWS = pytest.mark.parametrize("operation", OF_ACCOUNTS)


def accounts(count: int) -> list[Account]:
    return [Account.objects.create(note=f"person {number % 5}") for number in range(count)]


@EACH_WAY_TO_GET_ROWS
def test_a_row_that_an_earlier_item_deleted_is_not_brought_back(operation: str, script: Script) -> None:
    accounts(10)
    script["before"] = lambda op, account: Account.objects.filter(note=account.note, pk__gt=account.pk).delete()
    run = drive(start(operation))

    assert run.state == "succeeded"
    assert list(Account.objects.order_by("pk").values_list("note", "balance")) == [
        (f"person {number}", 1) for number in range(5)
    ]


@pytest.mark.parametrize(
    "operation", ["tests.credit_selected", *once("tests.credit_prepared", "tests.credit_on_threads")]
)
def test_a_row_that_was_known_and_is_gone_is_skipped_as_gone(operation: str, script: Script) -> None:
    accounts(10)
    script["before"] = lambda op, account: Account.objects.filter(note=account.note, pk__gt=account.pk).delete()
    drive(start(operation))

    assert set(ItemOutcome.objects.values_list("state", "code")) == {("skipped", "gone")}
    assert ItemOutcome.objects.count() == 5


@EACH_WAY_TO_GET_ROWS
def test_what_an_earlier_item_wrote_to_another_row_is_not_overwritten(operation: str, script: Script) -> None:
    accounts(6)
    script["before"] = lambda op, account: Account.objects.filter(pk__gt=account.pk).update(balance=F("balance") + 10)
    drive(start(operation))

    assert list(Account.objects.order_by("pk").values_list("balance", flat=True)) == [1, 11, 21, 31, 41, 51]


@EACH_WAY_TO_GET_ROWS
def test_what_a_person_wrote_between_two_chunks_is_not_overwritten(operation: str, script: Script) -> None:
    last = accounts(6)[-1]
    run = start(operation)
    work(claim(run), should_stop=after_items())
    Account.objects.filter(pk=last.pk).update(note="new")
    drive(run)

    last.refresh_from_db()
    assert (last.note, last.balance) == ("new", 1)


@pytest.mark.alone  # the quicker the machine, the fewer chunks
@pytest.mark.parametrize(
    ("change", "page_by_page"),
    [
        (lambda account: Account.objects.filter(pk=account.pk, note=account.note).update(code=f"c{account.pk}"), False),
        (lambda account: Account.objects.exclude(pk=account.pk).update(code=None), True),
        *once(
            (lambda account: None, False),
            (lambda account: Account.objects.create(note="another"), False),
            (lambda account: Account.objects.filter(note="nobody").delete(), True),
        ),
    ],
)
def test_rows_are_read_again_one_by_one_only_where_items_write_to_each_others(
    change: Any, page_by_page: bool, script: Script
) -> None:
    accounts(40)
    script["before"] = lambda op, account: change(account)
    run = start("tests.credit_accounts")
    with CaptureQueriesContext(connection) as queries:
        drive(run)

    read = [
        each
        for each in queries
        if each["sql"].startswith("SELECT") and "LIMIT" in each["sql"] and "account" in each["sql"]
    ]
    assert (len(read) >= 40) == page_by_page
    assert page_by_page or len(read) < 30, "eight or so; a busy machine cuts chunks short"
