"""Dry runs: what would become of each item, and nothing else."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, transaction

from headway import Reject, TryAgain, runs
from headway.errors import IdempotencyKeyReused, InvalidParams
from headway.models import ItemOutcome, Part, Run
from headway.operations.base import Operation
from headway.snapshots import snapshot
from headway.testing import drain, end_waits
from tests.app.driving import after_items, claim, drive, fresh, work
from tests.app.gates import Gate
from tests.app.models import Account, Child, LedgerEntry, Thing
from tests.app.scripted import Scripted
from tests.app.sources import Numbers
from tests.once import once
from tests.workers import Workers, until, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]
WRONG = {"items": 300, "reject": "3,70,71", "skip": "5,90", "fail": "7,8,9,250,299"}
CREDITING = [
    "tests.credit_accounts",
    "tests.credit_on_threads",
    *once("tests.credit_selected", "tests.credit_prepared"),
]


def dry(operation: str = "tests.scripted", **given: Any) -> Run:
    """A dry run, once nothing of it is due."""
    return drive(runs.start(operation, given, dry_run=True).run)


def told(run: Run) -> list[tuple[str, ...]]:
    """What is kept of its items, in the order of their keys."""
    kept = ItemOutcome.objects.filter(run=run.pk).order_by("key")
    return list(kept.values_list("key", "state", "code", "text", "label"))


def counts(run: Run) -> dict[str, Any]:
    return {name: snapshot(run.pk)["progress"][name] for name in ("processed", "succeeded", "failed", "skipped")}


def state() -> set[tuple[Any, ...]]:
    return set(Account.objects.values_list("pk", "balance", "note"))


class TestOutcomes:
    @pytest.mark.parametrize("operation", ["tests.write_ledger", *once("tests.prepare_ledger", "tests.write_in_parts")])
    def test_what_fails_is_what_then_fails_in_the_run_itself_and_nothing_is_changed(self, operation: str) -> None:
        tried = dry(operation, **WRONG)
        assert LedgerEntry.objects.count() == 0

        done = drive(runs.start(operation, WRONG).run)
        assert LedgerEntry.objects.count() == 290
        assert tried.state == done.state == "partial"
        assert counts(tried) == counts(done) == {"processed": 300, "succeeded": 290, "failed": 8, "skipped": 2}
        assert told(tried) == told(done)
        assert snapshot(tried.pk)["failure_summary"] == snapshot(done.pk)["failure_summary"]

    def test_what_only_commit_would_refuse_is_found(self, script: Script) -> None:
        Thing.objects.create(id=1, name="parent", code="parent")
        script["items"] = lambda: Numbers(60)
        script["before"] = lambda operation, number: Child.objects.create(thing_id=999 if number % 3 == 2 else 1)

        tried = dry()
        assert (Child.objects.count(), LedgerEntry.objects.count()) == (0, 0)
        done = drive(runs.start("tests.scripted").run)
        assert Child.objects.count() == 40
        assert counts(tried) == counts(done) == {"processed": 60, "succeeded": 40, "failed": 20, "skipped": 0}
        assert [row[:3] for row in told(tried)] == [row[:3] for row in told(done)]

    def test_a_row_that_others_still_refer_to_is_found(self, script: Script) -> None:
        thing = Thing.objects.create(name="parent", code="parent")
        Child.objects.create(thing=thing)

        def delete(operation: Operation, number: int) -> None:
            if number == 3:
                Thing.objects.filter(pk=thing.pk)._raw_delete("default")  # type: ignore[attr-defined]

        script["before"] = delete
        assert [row[0] for row in told(dry())] == ["3"]
        assert Thing.objects.exists()

    @pytest.mark.sqlite
    def test_rows_that_led_nowhere_before_fail_no_item(self, script: Script) -> None:
        with connection.constraint_checks_disabled():
            Child.objects.create(thing_id=999)
        script["before"] = lambda operation, number: Child.objects.create(thing_id=999 if number == 3 else thing.pk)
        thing = Thing.objects.create(name="parent", code="parent")
        assert [row[0] for row in told(dry())] == ["3"]
        Child.objects.all().delete()

    def test_each_chunk_is_judged_by_the_tables_as_they_are(self, script: Script) -> None:
        script["items"] = lambda: Numbers(100)  # the first chunk has 50 at most
        script["before"] = lambda operation, number: Thing.objects.create(name="t", code=f"c-{number % 99}")

        assert dry().state == "succeeded"
        assert not Thing.objects.exists()
        assert counts(drive(runs.start("tests.scripted").run))["failed"] == 1

    def test_an_operation_does_not_build_upon_what_was_rolled_back(self, script: Script) -> None:
        def add(operation: Any, number: int) -> None:
            if not hasattr(operation, "parent"):
                operation.parent = Thing.objects.create(name="parent", code="parent")
            Child.objects.create(thing=operation.parent)

        script["items"], script["before"] = lambda: Numbers(200), add
        assert dry().state == "succeeded"
        assert not Thing.objects.exists()
        assert drive(runs.start("tests.scripted").run).state == "succeeded"

    @pytest.mark.parametrize("operation", CREDITING)
    def test_rows_are_as_they_were_and_each_is_read_once_more(self, operation: str, script: Script) -> None:
        Account.objects.bulk_create(Account() for _ in range(130))
        before, seen = state(), set[tuple[int, int]]()

        def refuse(_: Any, account: Account) -> None:
            if account.pk % 40 == 0:
                raise Reject("no", "Not this one.")

        script["before"] = refuse
        script["after"] = lambda operation, account: seen.add((account.pk, account.balance))
        tried = dry(operation)
        assert state() == before
        assert {balance for _, balance in seen} == {1}
        assert len(seen) == 130 - counts(tried)["failed"]
        done = drive(runs.start(operation).run)
        assert told(tried) == told(done)
        assert {balance for _, balance, _ in state()} == {0, 1}

    def test_a_chunk_that_is_done_by_one_call_is_undone_as_a_whole(self, script: Script) -> None:
        Account.objects.bulk_create(Account() for _ in range(500))
        before = state()
        wrong = {pk for pk, _, _ in before if pk % 97 == 0}

        def refuse(_: Any, rows: Any) -> None:
            if rows.filter(pk__in=wrong).exists():
                raise ValueError("one of them is wrong")

        script["chunk"] = refuse
        tried = dry("tests.credit_in_sets")
        assert state() == before
        done = drive(runs.start("tests.credit_in_sets").run)
        assert told(tried) == told(done)
        assert {row[0] for row in told(tried)} == {str(pk) for pk in wrong}

    @pytest.mark.once
    def test_what_is_to_be_tried_again_is_tried_by_later_passes(self, script: Script) -> None:
        def busy(operation: Any, number: int) -> None:
            if number == 2 and operation.attempt < 3:
                raise TryAgain("busy")

        script["after"] = busy
        run = runs.start("tests.scripted_again", dry_run=True).run
        drain()
        assert snapshot(run.pk)["progress"]["retrying"] == 1
        for _ in range(2):
            end_waits()
            drain()
        assert (fresh(run).state, told(run), LedgerEntry.objects.count()) == ("succeeded", [], 0)

    @pytest.mark.once
    def test_too_many_failures_pause_it_as_they_would_pause_the_run(self, script: Script) -> None:
        def broken(operation: Any, number: int) -> None:
            raise AttributeError("renamed")

        script["items"], script["after"] = lambda: Numbers(200), broken
        paused = dry()
        assert (paused.state, paused.reason_code, counts(paused)["failed"]) == ("paused", "failure-limit", 50)
        script["after"] = lambda operation, number: None
        runs.resume(paused)
        assert (drive(paused).state, LedgerEntry.objects.count()) == ("succeeded", 0)


class TestEffects:
    def test_no_hook_of_what_was_rolled_back_is_called(self, script: Script) -> None:
        called: list[str] = []
        for name in ("on_start", "on_finish"):
            script[name] = lambda name=name: transaction.on_commit(lambda: called.append(name))
        script["before"] = lambda operation, number: transaction.on_commit(lambda: called.append(str(number)))

        ended = dry()
        assert (ended.state, called) == ("succeeded", [])
        assert snapshot(ended.pk)["hooks_failed"] == 0
        drive(runs.start("tests.scripted").run)
        assert called == ["on_start", "0", "1", "2", "3", "4", "on_finish"]

    def test_what_its_hooks_write_is_rolled_back_and_the_result_is_kept(self, script: Script) -> None:
        def write(name: str) -> dict[str, int]:
            Thing.objects.create(name=name, code=name)
            return {"things": Thing.objects.count()}

        script["on_start"], script["on_finish"] = lambda: write("on_start"), lambda: write("on_finish")
        ended = dry()
        assert (ended.state, ended.result, Thing.objects.count()) == ("succeeded", {"things": 1}, 0)

    @pytest.mark.once
    def test_what_process_returns_is_kept_as_ever(self, script: Script) -> None:
        tried, done = dry("tests.scripted_results"), drive(runs.start("tests.scripted_results").run)
        values = [{kept.key: kept.value for kept in runs.outcomes(run, state="succeeded")} for run in (tried, done)]
        assert values == [{"0": 0, "1": 1, "2": 4, "3": 9, "4": 16}] * 2
        assert not LedgerEntry.objects.filter(run=tried.pk).exists()

    def test_a_hook_that_only_commit_would_refuse_pauses_it(self, script: Script) -> None:
        script["on_start"] = lambda: Child.objects.create(thing_id=999)
        paused = dry()
        assert (paused.state, paused.reason_code) == ("paused", "operation-error")
        assert paused.reason_text.startswith("Its on_start failed.")

    @pytest.mark.once
    def test_the_operation_can_ask_whether_it_is_one(self, script: Script) -> None:
        asked: list[bool] = []
        script["before"] = lambda operation, number: asked.append(operation.run.dry_run)
        dry()
        drive(runs.start("tests.scripted").run)
        assert asked == [True] * 5 + [False] * 5

    def test_an_owner_that_was_followed_keeps_nothing(self, script: Script) -> None:
        run = runs.start("tests.scripted", dry_run=True).run

        def lose(operation: Any, number: int) -> None:
            if number == 2:
                script.pop("after")
                Part.objects.update(token=1)
                raise Reject("late")

        script["after"] = lose
        work(claim(run))
        assert (told(run), LedgerEntry.objects.count()) == ([], 0)

    @pytest.mark.once
    def test_a_slice_that_is_cut_goes_on_behind_its_last_item(self) -> None:
        run = runs.start("tests.write_ledger", WRONG, dry_run=True).run
        while not fresh(run).is_done:
            part = claim(run)
            work(part, should_stop=after_items(40))
        assert (counts(run)["processed"], LedgerEntry.objects.count()) == (300, 0)

    def test_a_worker_that_is_killed_in_it_leaves_no_effect_and_loses_no_outcome(
        self, workers: Workers, tmp_path: Path
    ) -> None:
        gate = Gate(tmp_path / "gate").build()
        workers.start()
        given = WRONG | {"gate": f"200:{tmp_path}/gate"}
        run = runs.start("tests.write_ledger", given, dry_run=True).run

        for _ in range(2):
            victim = gate.wait_until_reached()
            assert counts(run)["processed"] > 0
            assert LedgerEntry.objects.count() == 0
            os.kill(victim, signal.SIGKILL)
        gate.wait_until_reached()
        assert LedgerEntry.objects.count() == 0
        gate.open()
        ended = wait_for_end(run.pk)

        assert (ended.state, LedgerEntry.objects.count()) == ("partial", 0)
        assert counts(run) == {"processed": 300, "succeeded": 290, "failed": 8, "skipped": 2}
        assert snapshot(run.pk)["resumes"] >= 2
        done = runs.start("tests.write_ledger", WRONG).run
        until(lambda: fresh(done).is_done)
        assert told(run) == told(done)


class TestKeys:
    def test_a_dry_run_and_a_run_neither_join_nor_wait_for_each_other(self) -> None:
        real, tried = runs.start("tests.scripted"), runs.start("tests.scripted", dry_run=True)
        assert (real.disposition, tried.disposition) == ("created", "created")
        for dry_run, there in ((False, real), (True, tried)):
            again = runs.start("tests.scripted", dry_run=dry_run)
            assert (again.run.pk, again.disposition, again.run.dry_run) == (there.run.pk, "joined", dry_run)

    @pytest.mark.parametrize("policy", ["queue", "replace", "reject", "allow"])
    @pytest.mark.once
    def test_whatever_the_policy(self, policy: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Scripted, "on_conflict", policy)
        real, tried = runs.start("tests.scripted"), runs.start("tests.scripted", dry_run=True)
        assert (real.disposition, tried.disposition) == ("created", "created")
        assert fresh(real.run).state == "queued"

    @pytest.mark.once
    def test_one_idempotency_key_is_not_good_for_both(self) -> None:
        runs.start("tests.scripted", idempotency_key="a-key-of-my-own", dry_run=True)
        assert runs.start("tests.scripted", idempotency_key="a-key-of-my-own", dry_run=True).disposition == "replayed"
        with pytest.raises(IdempotencyKeyReused):
            runs.start("tests.scripted", idempotency_key="a-key-of-my-own")

    def test_a_retry_of_a_dry_run_is_one(self) -> None:
        given = {"items": 9, "reject": "3"}
        again = runs.retry(dry("tests.write_ledger", **given)).run
        assert again.dry_run
        ended = drive(again)
        assert (ended.state, LedgerEntry.objects.count()) == ("failed", 0)
        assert not runs.retry(drive(runs.start("tests.write_ledger", given).run)).run.dry_run


class TestRefusals:
    @pytest.fixture
    def _outside(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Its effects are declared to go elsewhere."""
        monkeypatch.setattr(Scripted, "effects", "outside")

    @pytest.mark.usefixtures("_outside")
    @pytest.mark.once
    def test_what_has_effects_outside_has_no_dry_run(self) -> None:
        with pytest.raises(InvalidParams) as refused:
            runs.start("tests.scripted", dry_run=True)
        (error,) = refused.value.errors
        assert (error.pointer, error.code) == ("", "dry-run")
        assert str(refused.value) == (
            "A dry run was asked for, but tests.scripted has effects outside the database, which can't be undone. "
            "Start it without."
        )
        assert not Run.objects.exists()
        assert runs.start("tests.scripted").disposition == "created"

    @pytest.mark.once
    def test_one_that_is_live_when_its_operation_becomes_so_pauses(self, monkeypatch: pytest.MonkeyPatch) -> None:
        run = runs.start("tests.scripted", dry_run=True).run
        monkeypatch.setattr(Scripted, "effects", "outside")
        paused = drive(run)
        assert (paused.state, paused.reason_code) == ("paused", "operation-error")
        assert "It is a dry run, and what its operation does now can't be undone." in paused.reason_text
