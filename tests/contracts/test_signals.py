"""What a project can listen to: each event once, after it is true."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import transaction
from django.dispatch import Signal

from headway import Reject, runner, runs
from headway.errors import AlreadyRetried, RunConflict
from headway.models import Part, Run
from headway.signals import part_taken_over, start_answered, write_fenced
from headway.store.parts import leases
from tests.app.driving import after_items, claim, expire, start, work
from tests.app.ledger import WriteLedger

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def heard(signal: Signal) -> Iterator[list[dict[str, Any]]]:
    """What is sent meanwhile, without the signal itself."""
    told: list[dict[str, Any]] = []

    def listen(sender: Any, signal: Signal, **arguments: Any) -> None:
        told.append(arguments)

    signal.connect(listen)
    try:
        yield told
    finally:
        signal.disconnect(listen)


def refuse_one(operation: Any, number: int) -> None:
    if number == 1:
        raise Reject("no", "Not this one.")


@pytest.mark.once
def test_every_start_tells_what_became_of_it() -> None:
    with heard(start_answered) as told:
        run = runs.start(WriteLedger, {"items": 3}, idempotency_key="a-key-of-mine").run
        runs.start(WriteLedger, {"items": 3})
        runs.start(WriteLedger, {"items": 3}, idempotency_key="a-key-of-mine")
        with pytest.raises(RunConflict):
            runs.start(WriteLedger, {"items": 3, "skip": "1"})

    assert told == [
        {"operation": "tests.write_ledger", "disposition": disposition, "run_id": run_id}
        for disposition, run_id in [("created", run.pk), ("joined", run.pk), ("replayed", run.pk), ("refused", None)]
    ]


def test_a_start_that_is_rolled_back_tells_nothing() -> None:
    with heard(start_answered) as told, transaction.atomic():
        runs.start(WriteLedger, {"items": 3})
        transaction.set_rollback(True)

    assert told == []
    assert not Run.objects.exists()


@pytest.mark.once
def test_a_second_retry_of_a_run_tells_that_it_was_refused(script: dict[str, Any]) -> None:
    script["before"] = refuse_one
    run = start("tests.scripted")
    work(claim(run))
    again = runs.retry(run.pk).run
    work(claim(again))

    with heard(start_answered) as told, pytest.raises(AlreadyRetried):
        runs.retry(run.pk)

    assert told == [{"operation": "tests.scripted", "disposition": "refused", "run_id": None}]


def test_a_take_over_is_told_and_an_ordinary_claim_is_not() -> None:
    run = start()
    with heard(part_taken_over) as told:
        part = claim(run, "first")
        leases.release(part)
        part = claim(run, "first")
        assert told == []

        expire(part)
        claim(run, "second")

    assert told == [{"run_id": run.pk}]


def test_a_worker_that_was_fenced_tells_so_once() -> None:
    run = start()
    stale = claim(run, "first")
    work(stale, should_stop=after_items())
    stale = claim(run, "first")
    expire(stale)
    part = claim(run, "second")

    with heard(write_fenced) as told:
        assert work(stale) is runner.Ending.FENCED

    assert told == [{"run_id": run.pk}]
    assert Part.objects.get(pk=part.pk).worker == "second"
