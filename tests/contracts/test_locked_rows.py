"""`lock_rows`: whoever else changes a row waits until the chunk that has read it is committed, or came before it."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, connections, models, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext, isolate_apps

from headway import sources
from headway.models import ItemOutcome
from tests.app.driving import drive, start
from tests.app.models import Account
from tests.app.sources import Numbers
from tests.app.waiting import waits_for_a_lock
from tests.workers import until

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]
EACH_WAY_TO_GET_ROWS = pytest.mark.parametrize(
    ("operation", "source"),
    [
        ("tests.credit_locked", sources.queryset),
        ("tests.credit_locked", sources.selection),
        ("tests.credit_prepared_locked", sources.queryset),
        ("tests.credit_prepared_locked", sources.selection),
    ],
)


def accounts(count: int) -> list[Account]:
    return Account.objects.bulk_create(Account() for _ in range(count))


def elsewhere(write: Callable[[], object]) -> threading.Thread:
    """Somebody else who writes, over a connection of his own."""

    def go() -> None:
        try:
            write()
        finally:
            connections.close_all()

    thread = threading.Thread(target=go)
    thread.start()
    return thread


@EACH_WAY_TO_GET_ROWS
def test_rows_are_done_as_ever_where_the_database_has_no_such_locks(
    operation: str, source: Any, script: Script
) -> None:
    accounts(30)
    script["items"] = lambda: source(Account.objects.all())
    assert drive(start(operation)).state == "succeeded"
    assert set(Account.objects.values_list("balance", flat=True)) == {1}


@pytest.mark.postgresql
@EACH_WAY_TO_GET_ROWS
def test_what_somebody_else_writes_meanwhile_is_not_overwritten(operation: str, source: Any, script: Script) -> None:
    chosen = accounts(6)[3].pk
    threads: list[threading.Thread] = []

    def before(operation: Any, account: Account) -> None:
        if account.pk == chosen:  # it has been read, and is written in a moment
            rows = Account.objects.filter(pk=chosen)
            threads.append(elsewhere(lambda: rows.update(balance=F("balance") + 10)))
            until(waits_for_a_lock)

    script |= {"before": before, "items": lambda: source(Account.objects.all())}
    drive(start(operation))
    threads[0].join(30)

    assert Account.objects.get(pk=chosen).balance == 11


@pytest.mark.postgresql
@pytest.mark.parametrize(
    ("operation", "source"),
    [("tests.credit_locked", sources.selection), ("tests.credit_prepared_locked", sources.queryset)],
)
def test_a_row_that_is_deleted_while_its_lock_is_waited_for_is_skipped_as_gone(
    operation: str, source: Any, script: Script
) -> None:
    chosen = accounts(6)[3].pk
    deleted = threading.Event()

    def delete() -> None:
        with transaction.atomic():
            Account.objects.filter(pk=chosen).delete()
            deleted.set()
            until(waits_for_a_lock)

    script["items"] = lambda: source(Account.objects.all())
    run = start(operation)
    thread = elsewhere(delete)
    assert deleted.wait(30)
    run = drive(run)
    thread.join(30)

    assert (run.state, run.parts.get().succeeded) == ("succeeded", 5)
    outcome = ItemOutcome.objects.get()
    assert (outcome.key, outcome.state, outcome.code) == (str(chosen), "skipped", "gone")


@pytest.mark.postgresql
@EACH_WAY_TO_GET_ROWS
def test_rows_alone_are_locked_and_in_the_order_of_their_keys(operation: str, source: Any, script: Script) -> None:
    accounts(20)
    script["items"] = lambda: source(Account.objects.all())
    with CaptureQueriesContext(connection) as queries:
        drive(start(operation))
    locked = [each["sql"] for each in queries if "FOR UPDATE" in each["sql"] and "account" in each["sql"]]
    assert locked
    table = connection.ops.quote_name(Account._meta.db_table)
    assert all(f'ORDER BY {table}."id" ASC' in sql for sql in locked)
    assert all(f"FOR UPDATE OF {table}" in sql for sql in locked)


def test_a_source_without_rows_pauses_the_run_and_says_what_to_do(script: Script) -> None:
    script["items"] = lambda: Numbers(3)
    run = drive(start("tests.credit_locked"))
    assert (run.state, run.reason_code) == ("paused", "operation-error")
    assert "sources.queryset or sources.selection" in run.reason_text


@pytest.mark.postgresql
def test_of_a_row_in_several_tables_each_is_locked() -> None:
    with isolate_apps("tests.app"), transaction.atomic():

        class Base(models.Model):
            class Meta:
                app_label = "tests"

        class Between(Base):
            class Meta:
                app_label = "tests"

        class Below(Between):
            class Meta:
                app_label = "tests"

        class Proxy(Below):
            class Meta:
                app_label = "tests"
                proxy = True

        for model in (Below, Proxy):
            source = sources.queryset(model._default_manager.all())
            source.lock()
            sql = str(source.asked.query)
            assert all(table in sql.partition("FOR UPDATE OF")[2] for table in ("base", "between", "below")), sql
