"""An operation that has got another name: what was started under the old one is its own (docs/how-to/deploys.md)."""

from collections.abc import Callable
from typing import Any

import pytest
from django import forms

from headway import Operation, Reject, runs
from headway.errors import RunConflict, StartForbidden, UnknownOperation
from headway.models import ItemOutcome, Run
from headway.operations import base
from headway.signals import run_ended, start_answered
from headway.snapshots import snapshot
from tests.app.driving import after_items, claim, drive, fresh, work
from tests.app.models import LedgerEntry
from tests.app.sources import Numbers

pytestmark = pytest.mark.django_db(transaction=True)

OLD, NEW = "tests.old_name", "tests.new_name"
Rename = Callable[..., type[Operation]]


class CountForm(forms.Form):
    """How many."""

    count = forms.IntegerField(initial=5)


def declare(name: str, **attributes: Any) -> Any:
    """The operation as the code has it now; it was in the code under another name before."""

    def items(self: Any) -> Numbers:
        return Numbers(self.params["count"])

    def process(self: Any, number: int) -> None:
        if number == 3 and self.run.retry_of is None:
            raise Reject("three", "Not this one.")
        LedgerEntry.objects.create(run=self.run.id, item=str(number))

    body = {"name": name, "params": CountForm, "items": items, "process": process, "__module__": __name__}
    return type("Renamed", (Operation,), body | attributes)


@pytest.fixture
def rename(monkeypatch: pytest.MonkeyPatch) -> Rename:
    """rename(…): the deploy of code that has the operation under its new name, with these attributes."""
    monkeypatch.setattr(base, "by_name", dict(base.by_name))
    declare(OLD)

    def deploy(**attributes: Any) -> type[Operation]:
        del base.by_name[OLD]
        operation: type[Operation] = declare(NEW, aliases=(OLD,), **attributes)
        return operation

    return deploy


def begun() -> Run:
    """A run under the old name, of which one item has been done."""
    run = runs.start(OLD).run
    work(claim(run), should_stop=after_items())
    return run


def test_a_run_goes_on_under_its_operations_new_name(rename: Rename) -> None:
    run, queued = begun(), runs.start(declare(OLD, on_conflict="queue"), {"count": 2}).run
    rename()

    runs.pause(run)
    drive(run)
    assert fresh(run).state == "paused"
    runs.resume(run)
    assert drive(run).state == "partial"
    assert fresh(queued).state == "succeeded"
    assert LedgerEntry.objects.count() == 6
    seen = snapshot(run.pk)
    assert (seen["operation"], seen["title"]) == (NEW, "Renamed")


@pytest.mark.once
def test_without_it_the_run_waits_for_its_operation(rename: Rename) -> None:
    run = begun()
    rename()
    del base.by_name[OLD]
    assert (drive(run).state, fresh(run).reason_code) == ("paused", "operation-error")


def test_a_run_that_has_ended_is_retried_under_the_new_name(rename: Rename) -> None:
    run = drive(begun())
    rename()
    again = runs.retry(run).run
    assert (again.operation, drive(again).state) == (NEW, "succeeded")
    assert set(LedgerEntry.objects.filter(run=again.pk).values_list("item", flat=True)) == {"3"}
    assert ItemOutcome.objects.get().run_id == run.pk


@pytest.mark.parametrize("name", [OLD, NEW])
def test_a_start_under_either_name_finds_the_live_run_of_the_other(rename: Rename, name: str) -> None:
    run = begun()
    rename()
    joined = runs.start(name)
    assert (joined.run.pk, joined.disposition) == (run.pk, "joined")
    with pytest.raises(RunConflict) as refused:
        runs.start(name, {"count": 6})
    assert refused.value.existing == run.pk
    assert Run.objects.count() == 1


def test_processes_of_the_old_code_find_the_live_run_of_the_new_one(rename: Rename) -> None:
    rename()
    run = runs.start(NEW).run
    del base.by_name[OLD], base.by_name[NEW]
    declare(OLD)
    assert runs.start(OLD).run.pk == run.pk


def test_what_waits_behind_a_run_of_the_old_name_begins_when_that_has_ended(rename: Rename) -> None:
    run = begun()
    rename(on_conflict="queue")
    behind = runs.start(NEW, {"count": 2})
    assert (behind.disposition, fresh(behind.run).state) == ("queued", "waiting")
    drive(run)
    assert (fresh(run).state, fresh(behind.run).state) == ("partial", "succeeded")


def test_a_start_that_is_sent_again_with_its_key_is_the_same_run(rename: Rename) -> None:
    run = runs.start(OLD, idempotency_key="before-the-deploy").run
    drive(run)
    rename()
    again = runs.start(NEW, idempotency_key="before-the-deploy")
    assert (again.run.pk, again.disposition) == (run.pk, "replayed")


@pytest.mark.once
def test_of_several_former_names_all_are_one_operation(rename: Rename) -> None:
    run = begun()
    rename()
    del base.by_name[OLD], base.by_name[NEW]
    declare("tests.newest_name", aliases=(OLD, NEW))
    for name in (OLD, NEW, "tests.newest_name"):
        assert runs.start(name).run.pk == run.pk


@pytest.mark.once
def test_its_permission_holds_for_the_former_name(rename: Rename, django_user_model: Any) -> None:
    run = drive(begun())
    user = django_user_model.objects.create(username="ada")
    Run.objects.update(started_by=user)
    rename(permission="app.add_thing")
    with pytest.raises(StartForbidden):
        runs.start(OLD, user=user)
    with pytest.raises(StartForbidden):
        runs.retry(run, user=user)


@pytest.mark.once
def test_those_who_count_and_log_are_told_the_new_name(rename: Rename) -> None:
    run, told = begun(), []
    rename()

    def hear(operation: str, **kwargs: Any) -> None:
        told.append(operation)

    for signal in (run_ended, start_answered):
        signal.connect(hear)
    try:
        runs.start(OLD)
        runs.retry(drive(run))
    finally:
        for signal in (run_ended, start_answered):
            signal.disconnect(hear)
    assert told == [NEW] * 3


@pytest.mark.once
def test_who_names_an_operation_that_is_not_there_is_not_pointed_at_a_former_name(rename: Rename) -> None:
    rename()
    with pytest.raises(UnknownOperation, match=f"Did you mean {NEW!r}"):
        runs.start("tests.ol_name")
