"""A project whose PostgreSQL transactions are stricter than READ COMMITTED: its own code has them so, ours wait."""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from django.db import connection, transaction

from headway import runs
from headway.database import write
from headway.engines.claimant import Claimant
from headway.models import Run
from headway.store.locks import lock_run
from tests.app.driving import claim, fresh, start
from tests.app.waiting import waits_for_a_lock
from tests.workers import until

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]

Script = dict[str, Any]
LEVELS = ("repeatable read", "serializable")


@pytest.fixture(params=LEVELS)
def level(request: pytest.FixtureRequest) -> Iterator[str]:
    """What the project has chosen."""
    from psycopg import IsolationLevel

    options = connection.settings_dict["OPTIONS"]
    options["isolation_level"] = IsolationLevel[request.param.replace(" ", "_").upper()]
    connection.close()
    yield request.param
    del options["isolation_level"]
    connection.close()


@pytest.mark.parametrize(
    ("ask", "state"), [(runs.pause, "pausing"), (runs.cancel, "cancelling")], ids=["pause", "cancel"]
)
def test_what_a_person_asks_waits_for_who_was_quicker(level: str, ask: Callable[[UUID], Run], state: str) -> None:
    run = start(items=3)
    claim(run)
    failed: list[BaseException] = []
    person = threading.Thread(target=asked, args=(ask, run, failed))
    with write():
        held = lock_run(run.pk)
        person.start()
        until(waits_for_a_lock)
        Run.objects.filter(pk=run.pk).update(revision=held.revision + 1)
    person.join()

    assert failed == []
    assert fresh(run).state == state


def asked(ask: Callable[[UUID], Run], run: Run, failed: list[BaseException]) -> None:
    try:
        ask(run.pk)
    except BaseException as error:
        failed.append(error)
    finally:
        connection.close()


@pytest.mark.parametrize("key", [None, "one-and-the-same"])
def test_a_start_in_the_projects_own_transaction_joins_a_run_that_its_snapshot_does_not_show(
    level: str, key: str | None
) -> None:
    begun, over = threading.Event(), threading.Event()
    first: list[Run] = []

    def start_and_hold() -> None:
        try:
            with transaction.atomic():
                first.append(runs.start("tests.write_ledger", idempotency_key=key).run)
                begun.set()
                over.wait(20)
        finally:
            connection.close()

    def let_go_once_it_is_waited_for() -> None:
        until(waits_for_a_lock)
        over.set()
        connection.close()

    other, watch = threading.Thread(target=start_and_hold), threading.Thread(target=let_go_once_it_is_waited_for)
    other.start()
    begun.wait(20)
    watch.start()
    with transaction.atomic():
        assert not Run.objects.exists()
        came = runs.start("tests.write_ledger", idempotency_key=key)
    other.join()
    watch.join()

    assert (came.run.pk, str(came.disposition)) == (first[0].pk, "joined" if key is None else "replayed")
    assert Run.objects.count() == 1


def test_the_projects_own_code_runs_at_its_level(level: str, script: Script) -> None:
    seen = []

    def see(*_: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_isolation")
            seen.append(cursor.fetchone()[0])

    script |= {"on_start": see, "before": see, "on_finish": see}

    run = start("tests.scripted")
    claimant = Claimant("driven", should_stop=lambda: False, wait=lambda seconds: None)
    until(lambda: claimant.turn() is None and fresh(run).is_done)  # the count beside it may conflict with it

    assert fresh(run).state == "succeeded"
    assert set(seen) == {level}
    assert len(seen) >= 7
