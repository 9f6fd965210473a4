"""Steps in place of items: one after the other, each done to its end once, and begun anew when it was cut off."""

import io
import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import OperationalError, connections
from django.test import Client
from django.utils import translation

from headway import Reject, Skip, Stop, Wait, runner, runs
from headway.errors import InvalidParams
from headway.models import ItemOutcome, Part, Run
from headway.snapshots import snapshot
from headway.testing import end_waits
from tests.app.driving import claim, drive, expire, fresh, work
from tests.app.gates import Gate
from tests.app.models import LedgerEntry
from tests.once import once
from tests.workers import Workers, until, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]
STEPS = ["download", "convert", "publish"]
ONCE_EACH = [f"{name} {what}" for name in STEPS for what in ("begun", "ended")]


def scripted(operation: str = "tests.scripted_steps") -> Run:
    return drive(runs.start(operation).run)


def step(run: Run) -> Any:
    return snapshot(run.pk)["progress"]["step"]


def counts(run: Run) -> tuple[int, ...]:
    return tuple(snapshot(run.pk)["progress"][name] for name in ("total", "succeeded", "failed", "skipped"))


def fail(error: BaseException) -> Any:
    def raise_it(operation: Any) -> None:
        raise error

    return raise_it


class AtGate:
    """A run of `tests.publish` with a real worker, which stands at a gate in its second step."""

    def __init__(self, workers: Workers, place: Path, *, deaf: bool = False, **options: Any) -> None:
        self.gate, self.sink = Gate(place / "gate").build(), place / "sink"
        self.worker = workers.start(**options)
        given = {"sink": str(self.sink), "gate": f"convert:{place}/gate", "deaf": deaf}
        self.run = runs.start("tests.publish", given).run
        self.child = self.gate.wait_until_reached()

    @property
    def lines(self) -> list[str]:
        return self.sink.read_text().splitlines()


@pytest.fixture
def at_gate(workers: Workers, tmp_path: Path) -> AtGate:
    return AtGate(workers, tmp_path)


class TestInOrder:
    def test_each_step_is_done_once_in_its_order_and_is_an_item(self, script: Script) -> None:
        run = scripted()

        assert script["taken"] == STEPS
        assert (run.state, run.result) == ("succeeded", {"steps": 3})
        assert counts(run) == (3, 3, 0, 0)

    @pytest.mark.once
    def test_an_operation_that_declares_run_is_one_step_in_which_self_run_is_the_run(self, script: Script) -> None:
        seen: list[Any] = []
        script["run"] = lambda operation: seen.append(operation.run.id)

        run = scripted("tests.rebuild")

        assert (run.state, seen, counts(run)) == ("succeeded", [run.pk], (1, 1, 0, 0))

    def test_no_transaction_is_around_a_step_and_none_of_its_statements_waits_for_the_run(self, script: Script) -> None:
        seen: list[Any] = []

        def write(operation: Any) -> None:
            LedgerEntry.objects.create(run=operation.run.id, item=1)
            seen.append((connections["default"].in_atomic_block, threading.current_thread().name))

        script["convert"] = write
        scripted()

        assert seen == [(False, "headway-step-convert")]
        assert LedgerEntry.objects.count() == 1

    @pytest.mark.once
    def test_what_a_step_leaves_on_self_is_not_there_in_the_next(self, script: Script) -> None:
        seen: list[bool] = []
        script["download"] = lambda operation: setattr(operation, "found", 1)
        script["convert"] = lambda operation: seen.append(hasattr(operation, "found"))

        scripted()

        assert seen == [False]

    @pytest.mark.once
    def test_names_that_are_marked_for_translation_are_told_in_the_language_that_is_asked_for(
        self, client: Client, tmp_path: Path
    ) -> None:
        ada = User.objects.create_user("ada")
        run = runs.start("tests.publish_translated", {"sink": str(tmp_path / "sink")}, user=ada).run
        client.force_login(ada)
        for language, title in (("de", "Januar"), ("fr", "janvier"), ("en", "January")):
            asked = client.get(f"/api/runs/{run.pk}/", headers={"Accept-Language": language})
            assert asked.json()["progress"]["step"]["title"] == title

        out = io.StringIO()
        with translation.override("de"):
            call_command("headway_status", str(run.pk), stdout=out)
        assert "Januar (1 of 3)" in out.getvalue()

    @pytest.mark.once
    def test_there_is_no_dry_run(self) -> None:
        with pytest.raises(InvalidParams) as refused:
            runs.start("tests.scripted_steps", dry_run=True)
        assert "tests.scripted_steps has steps, which can't be undone" in str(refused.value)


class TestFailing:
    @pytest.mark.parametrize("error", [ZeroDivisionError("secret"), *once(Reject("no-disk", "The disk is full."))])
    def test_a_step_that_fails_ends_the_run_and_no_step_behind_it_is_begun(
        self, script: Script, error: Exception
    ) -> None:
        script["convert"] = fail(error)

        run = scripted()

        assert script["taken"] == ["download", "convert"]
        assert (run.state, run.reason_code, counts(run)) == ("failed", "step-failed", (3, 1, 1, 0))
        assert run.reason_text.startswith("“Make them small” failed. ")
        assert "secret" not in run.reason_text

    def test_a_retry_begins_with_the_step_that_failed(self, script: Script) -> None:
        script["convert"] = fail(Reject("no-disk"))
        first = scripted()
        script["taken"].clear()

        again = drive(runs.retry(first).run)
        assert (again.state, script["taken"]) == ("failed", ["convert"])
        script["taken"].clear()
        del script["convert"]
        third = drive(runs.retry(again).run)

        assert (third.state, script["taken"]) == ("succeeded", ["convert", "publish"])
        assert counts(third) == (2, 2, 0, 0)

    def test_a_worker_that_dies_before_the_run_has_ended_leaves_no_step_behind_to_be_begun(
        self, script: Script, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        script["convert"] = fail(Reject("no-disk"))
        run = runs.start("tests.scripted_steps").run
        part = claim(run)

        def die(*_: Any) -> None:
            raise SystemExit

        with monkeypatch.context() as patched:
            patched.setattr("headway.store.runs.control.halt", die)
            with pytest.raises(SystemExit):
                work(part)
        assert fresh(run).state == "running"
        expire(part)

        assert drive(run).state == "failed"
        assert script["taken"] == ["download", "convert"]

    @pytest.mark.once
    def test_skip_passes_over_a_step_and_stop_ends_the_run(self, script: Script) -> None:
        script["download"] = fail(Skip("unchanged"))
        script["convert"] = fail(Stop("Nobody wants it."))

        run = scripted()

        assert (run.state, run.reason_text, counts(run)) == ("failed", "Nobody wants it.", (3, 0, 0, 1))
        assert script["taken"] == ["download", "convert"]

    def test_an_error_to_be_tried_again_holds_the_steps_behind_it_up(self, script: Script) -> None:
        attempts: list[int] = []

        def refuse(operation: Any) -> None:
            attempts.append(operation.attempt)
            if operation.attempt < 3:
                raise ConnectionError

        script["convert"] = refuse
        run = runs.start("tests.scripted_steps").run
        for _ in range(2):
            drive(run)
            assert fresh(run).state == "running"
            assert "publish" not in script["taken"]
            assert snapshot(run.pk)["reason"]["code"] == "waiting"
            end_waits()

        assert (drive(run).state, attempts) == ("succeeded", [1, 2, 3])

    @pytest.mark.once
    def test_a_step_that_was_tried_too_often_fails(self, script: Script) -> None:
        script["convert"] = fail(ConnectionError())
        run = runs.start("tests.scripted_steps").run
        while not drive(run).is_done:
            end_waits()

        assert (fresh(run).state, script["taken"]) == ("failed", ["download", *["convert"] * 3])
        assert ItemOutcome.objects.get(run=run).text.endswith("It was tried 3 times.")

    @pytest.mark.once
    def test_wait_lets_the_worker_go_and_the_step_begin_anew(self, script: Script) -> None:
        waits = [Wait(30, "The other side sleeps.")]

        def wait(operation: Any) -> None:
            if waits:
                raise waits.pop()

        script["convert"] = wait
        run = scripted()
        assert snapshot(run.pk)["reason"]["text"] == "The other side sleeps."
        end_waits()

        assert drive(run).state == "succeeded"
        assert script["taken"] == ["download", "convert", "convert", "publish"]

    def test_a_fault_of_the_database_in_a_step_is_not_its_failure(self, script: Script) -> None:
        faults = [OperationalError("database is locked")]
        if connections["default"].vendor == "sqlite":
            faults[0].__cause__ = locked()
        else:
            faults[0].__cause__ = deadlock()

        def stumble(operation: Any) -> None:
            if faults:
                raise faults.pop()

        script["convert"] = stumble

        assert scripted().state == "succeeded"
        assert script["taken"] == ["download", "convert", "convert", "publish"]


def locked() -> Exception:
    import sqlite3

    error = sqlite3.OperationalError("database is locked")
    error.sqlite_errorcode = sqlite3.SQLITE_BUSY
    return error


def deadlock() -> Exception:
    from psycopg.errors import DeadlockDetected

    return DeadlockDetected()


class TestProgress:
    @pytest.mark.once
    def test_it_reaches_the_snapshot_with_the_steps_name_and_a_new_revision(self, at_gate: AtGate) -> None:
        before = snapshot(at_gate.run.pk)["revision"]
        until(lambda: step(at_gate.run)["done"] == 6)

        seen = snapshot(at_gate.run.pk)
        assert seen["progress"]["step"] == {
            "name": "convert",
            "title": "Convert",
            "number": 2,
            "of": 3,
            "under_way": True,
            "done": 6,
            "total": 12,
            "percent": 50.0,
            "eta_seconds": None,
        }
        assert seen["progress"]["percent"] == 33.3
        assert seen["revision"] >= before
        assert seen["message"] == f"convert of {at_gate.run.pk}"

    def test_it_is_written_a_few_times_a_second_however_often_it_is_told(self, script: Script) -> None:
        def tell(operation: Any) -> None:
            for number in range(100_000):
                operation.progress(number, 100_000)

        script["run"] = tell
        run = scripted("tests.rebuild")

        part = Part.objects.get(run=run)
        assert part.seq < 8 + part.worked_ms / 400

    @pytest.mark.parametrize("done", [10**400, 1e308])
    @pytest.mark.once
    def test_it_refuses_numbers_that_no_reader_can_count_with(self, script: Script, done: float) -> None:
        script["run"] = lambda operation: operation.progress(done, 1)
        assert scripted("tests.rebuild").state == "failed"
        assert "it must be a number from 0 to 9,007,199,254,740,992" in ItemOutcome.objects.get().detail

    @pytest.mark.once
    def test_a_total_of_next_to_nothing_stops_no_worker(self, script: Script) -> None:
        seen: list[Any] = []

        def tell(operation: Any) -> None:
            operation.progress(5, 5e-324)
            until(lambda: step(Run.objects.get())["done"] == 5)
            seen.append(step(Run.objects.get())["percent"])

        script["run"] = tell
        assert scripted("tests.rebuild").state == "succeeded"
        assert seen == [99.9]

    @pytest.mark.once
    def test_it_refuses_what_is_no_number_and_other_operations(self, script: Script) -> None:
        script["run"] = lambda operation: operation.progress("three")
        assert scripted("tests.rebuild").state == "failed"
        assert "progress(): done is 'three'" in ItemOutcome.objects.get().detail

        seen: list[str] = []

        def told(operation: Any, item: Any) -> None:
            with pytest.raises(RuntimeError, match="progress\\(\\) is for steps") as refused:
                operation.progress(1)
            seen.append(str(refused.value))

        script["before"] = told
        drive(runs.start("tests.scripted").run)
        assert seen


class TestCutOff:
    def test_a_worker_killed_in_a_step_is_followed_by_one_that_begins_it_anew(
        self, workers: Workers, tmp_path: Path
    ) -> None:
        there = AtGate(workers, tmp_path, processes=2)
        os.kill(there.child, signal.SIGKILL)
        assert there.gate.wait_until_reached() != there.child
        there.gate.open()

        assert wait_for_end(there.run.pk).state == "succeeded"
        assert there.lines == [*ONCE_EACH[:3], *ONCE_EACH[2:]]
        assert snapshot(there.run.pk)["resumes"] == 1

    @pytest.mark.once
    def test_after_a_kill_it_says_what_was_reached_only_until_the_step_begins_anew(
        self, workers: Workers, tmp_path: Path
    ) -> None:
        there = AtGate(workers, tmp_path)
        until(lambda: step(there.run)["done"] == 6)
        os.killpg(there.worker.pid, signal.SIGKILL)
        Part.objects.filter(run=there.run).update(due=1)
        seen = snapshot(there.run.pk)
        assert (seen["stalled"], seen["progress"]["step"]["done"]) == (True, 6)

        part = claim(there.run)
        work(part, should_stop=lambda: True)
        assert (step(there.run)["under_way"], step(there.run)["done"]) == (False, None)

    def test_a_step_that_has_killed_four_workers_fails_and_is_not_begun_again(self, at_gate: AtGate) -> None:
        os.kill(at_gate.child, signal.SIGKILL)
        for _ in range(3):
            os.kill(at_gate.gate.wait_until_reached(), signal.SIGKILL)

        assert wait_for_end(at_gate.run.pk).state == "failed"
        assert ItemOutcome.objects.get(run=at_gate.run).code == "worker-died"
        assert at_gate.lines == [*ONCE_EACH[:2], *["convert begun"] * 4]

    def test_a_pause_is_heard_in_the_step_which_begins_anew_when_it_is_resumed(self, at_gate: AtGate) -> None:
        runs.pause(at_gate.run)
        until(lambda: fresh(at_gate.run).state == "paused", seconds=5)
        assert step(at_gate.run) | {"eta_seconds": None} == {
            "name": "convert", "title": "Convert", "number": 2, "of": 3, "under_way": False,
            "done": None, "total": None, "percent": None, "eta_seconds": None,
        }  # fmt: skip
        assert at_gate.lines == ONCE_EACH[:3]

        runs.resume(at_gate.run)
        at_gate.gate.wait_until_reached()
        at_gate.gate.open()
        assert wait_for_end(at_gate.run.pk).state == "succeeded"
        assert at_gate.lines == [*ONCE_EACH[:3], *ONCE_EACH[2:]]

    def test_a_cancel_is_heard_in_the_step_and_a_retry_goes_on_with_it(self, at_gate: AtGate) -> None:
        runs.cancel(at_gate.run)
        ended = wait_for_end(at_gate.run.pk, seconds=5)
        assert (ended.state, counts(ended)) == ("cancelled", (3, 1, 0, 0))

        again = runs.retry(ended).run
        at_gate.gate.wait_until_reached()
        at_gate.gate.open()
        assert wait_for_end(again.pk).state == "succeeded"
        assert at_gate.lines == [*ONCE_EACH[:3], *ONCE_EACH[2:]]

    def test_a_stopped_worker_leaves_the_step_at_once_and_another_begins_it_anew(
        self, workers: Workers, at_gate: AtGate
    ) -> None:
        at_gate.worker.terminate()
        at_gate.worker.wait(10)
        assert Part.objects.get(run=at_gate.run).token is None
        workers.start()
        at_gate.gate.wait_until_reached()
        at_gate.gate.open()

        assert wait_for_end(at_gate.run.pk).state == "succeeded"
        assert snapshot(at_gate.run.pk)["resumes"] == 0

    def test_a_step_that_listens_to_nobody_is_waited_for_and_a_cancel_ends_the_run_behind_it(
        self, workers: Workers, tmp_path: Path
    ) -> None:
        there = AtGate(workers, tmp_path, deaf=True, lease_seconds=1)
        runs.cancel(there.run)
        due: Any = Part.objects.get(run=there.run).due
        until(lambda: Part.objects.get(run=there.run).due > due + 1_000)  # a lease later
        assert fresh(there.run).state == "cancelling"
        there.gate.open()

        assert wait_for_end(there.run.pk).state == "cancelled"
        assert there.lines == ONCE_EACH[:4]

    def test_the_lease_is_kept_while_a_step_says_nothing(self, workers: Workers, tmp_path: Path) -> None:
        there = AtGate(workers, tmp_path, deaf=True, processes=2, lease_seconds=1)
        first: Any = Part.objects.get(run=there.run).due
        until(lambda: (Part.objects.get(run=there.run).due or 0) > first + 2_000)  # two leases later
        there.gate.open()

        assert wait_for_end(there.run.pk).state == "succeeded"
        assert there.lines == ONCE_EACH

    def test_a_step_that_is_silent_for_longer_than_it_may_costs_its_worker(
        self, workers: Workers, tmp_path: Path
    ) -> None:
        gate, sink = Gate(tmp_path / "gate").build(), tmp_path / "sink"
        workers.start()
        given = {"sink": str(sink), "gate": f"convert:{tmp_path}/gate", "deaf": True}
        run = runs.start("tests.publish_impatiently", given).run
        first = gate.wait_until_reached()
        assert gate.wait_until_reached() != first
        gate.open()

        assert wait_for_end(run.pk).state == "succeeded"

    def test_a_worker_that_was_frozen_past_its_lease_ends_its_step_and_commits_nothing(self, script: Script) -> None:
        heard: list[str] = []

        def freeze(operation: Any) -> None:
            Part.objects.update(token=1)
            try:
                while True:
                    operation.progress(1)
            except BaseException as error:
                heard.append(type(error).__name__)
                raise

        script["download"] = freeze
        run = runs.start("tests.scripted_steps").run

        assert work(claim(run)) == runner.Ending.FENCED
        until(lambda: heard)
        assert heard == ["StepInterrupted"]
        assert counts(run)[1:] == (0, 0, 0)


class TestDeploys:
    def test_a_step_that_was_taken_out_since_is_skipped_as_gone_and_a_new_one_is_not_done(
        self, script: Script, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from tests.app.stepping import ScriptedSteps

        script["download"] = lambda operation: runs.pause(operation.run.id)
        run = scripted()
        assert fresh(run).state == "paused"
        monkeypatch.setattr(ScriptedSteps, "step_titles", {"download": "", "publish": "", "tell": ""})
        runs.resume(run)

        assert drive(run).state == "succeeded"
        assert script["taken"] == ["download", "publish"]
        assert counts(run) == (3, 2, 0, 1)
