"""manage.py headway_status and headway_cancel: finding a run by as little as is its own, and saying what it came to."""

import io
import os
import sys
import time
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command

from headway import runs
from headway.database import NowMs
from headway.management.commands.headway_status import Command
from headway.models import Kind, Part, Run
from headway.store.parts import workers
from tests.app.driving import after_items, claim, drive, fresh, start, work
from tests.once import once

TWINS = [UUID(f"aaaaaaaa-0000-4000-8000-00000000000{number}") for number in (1, 2)]


def status(*arguments: str) -> list[str]:
    """The lines that `headway_status` prints."""
    out = io.StringIO()
    call_command("headway_status", *arguments, stdout=out)
    return out.getvalue().splitlines()


def cancel(given: object) -> str:
    """What `headway_cancel` prints."""
    out = io.StringIO()
    call_command("headway_cancel", str(given), stdout=out)
    return out.getvalue()


def refusal(command: Any, *arguments: Any) -> str:
    with pytest.raises(CommandError) as raised:
        command(*arguments)
    return str(raised.value)


def with_ids(*ids: UUID) -> list[Run]:
    """Queued runs of these ids."""
    made = []
    for run_id in ids:
        run = Run.objects.create(
            id=run_id, operation="tests.write_ledger", params={}, live_key=run_id.hex, changed=NowMs()
        )
        Part.objects.create(run=run, kind=Kind.PLAN, changed=NowMs())
        made.append(run)
    return made


@pytest.mark.django_db
class TestList:
    @pytest.mark.once
    def test_when_there_is_nothing_it_says_how_to_begin(self) -> None:
        assert status() == [
            "No worker is there. Start one: manage.py headway_worker",
            "There are no runs yet. Start one: manage.py headway_run NAME --watch",
        ]

    @pytest.mark.parametrize(("there", "said"), [(2, "2 workers heard"), *once((1, "1 worker heard"))])
    def test_it_says_how_many_workers_there_are(self, there: int, said: str) -> None:
        for number in range(there):
            workers.beat(f"worker {number}", "host", number, 1)
        assert status()[0] == f"{said} of in the last 30 seconds."

    @pytest.mark.parametrize("limit", ["0", "-1"])
    @pytest.mark.once
    def test_a_limit_that_shows_nothing_is_refused(self, limit: str) -> None:
        assert refusal(status, "--limit", limit) == f"--limit is {limit}; it must be 1 or more."


@pytest.mark.django_db(transaction=True)
class TestRuns:
    def test_the_live_ones_come_first_however_old(self) -> None:
        live = start(items=1)
        work(claim(live), should_stop=after_items())
        runs.pause(live)
        older, newer = (drive(start(items=items)) for items in (2, 3))

        first, *others = status()[1:]
        assert first.startswith(f"{live.pk}  Write ledger  paused  ")
        assert others == [
            f"{newer.pk}  Write ledger  succeeded  {'█' * 40} 100.0 %  3 of 3",
            f"{older.pk}  Write ledger  succeeded  {'█' * 40} 100.0 %  2 of 2",
        ]
        assert [line[:36] for line in status("--limit", "2")[1:]] == [str(live.pk), str(newer.pk)]

    @pytest.mark.once
    def test_one_is_told_in_full(self) -> None:
        run = drive(start(items=3, reject="0,1,2"))
        assert status(str(run.pk)) == [
            f"Write ledger (tests.write_ledger), run {run.pk}",
            "  state      failed",
            "  processed  3 of 3",
            "  succeeded  0",
            "  failed     3",
            "             3 rejected",
            "                 0: 0 is not wanted.",
            "  reason     Every item failed. (every-item-failed)",
        ]

    @pytest.mark.once
    def test_a_reason_is_told_where_it_says_more_than_the_state(self, django_user_model: Any) -> None:
        run = start(items=2)
        Run.objects.update(reason_detail="OperationalError: of a setback, which is tried again")
        assert not [line for line in status(str(run.pk)) if "setback" in line]
        work(claim(run), should_stop=after_items())
        runs.pause(run)
        assert status(str(run.pk))[1] == "  state      paused"
        assert not [line for line in status(str(run.pk)) if "reason" in line]
        runs.resume(run)
        runs.pause(run, user=django_user_model.objects.create(username="ada", is_superuser=True))
        assert "  reason     Paused by ada. (paused)" in status(str(run.pk))

    @pytest.mark.once
    @pytest.mark.parametrize("buffering", [1, -1])
    def test_head_ends_it_without_a_traceback(self, monkeypatch: pytest.MonkeyPatch, buffering: int) -> None:
        reader, writer = os.pipe()
        os.close(reader)
        with open(writer, "w", buffering) as out:
            monkeypatch.setattr(sys, "stdout", out)
            with pytest.raises(SystemExit, match="1"):
                Command().run_from_argv(["manage.py", "headway_status"])

    @pytest.mark.once
    def test_a_result_and_a_message_are_told_too(self, script: dict[str, Any]) -> None:
        script["before"] = lambda operation, number: operation.say(f"Number {number}")
        script["on_finish"] = lambda: {"made": 5}
        run = drive(start("tests.scripted"))
        assert status(str(run.pk))[-2:] == ["  message    Number 4", "  result     {'made': 5}"]

    @pytest.mark.once
    def test_watching_a_run_that_has_ended_ends_at_once(self) -> None:
        run = drive(start(items=3))
        assert status(str(run.pk), "--watch")[:2] == [
            f"Write ledger  succeeded  {'█' * 40} 100.0 %  3 of 3",
            f"Write ledger (tests.write_ledger), run {run.pk}",
        ]

    @pytest.mark.once
    def test_ctrl_c_ends_the_watching_not_the_run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def interrupt(seconds: float) -> None:
            raise KeyboardInterrupt

        clock = SimpleNamespace(monotonic=time.monotonic, sleep=interrupt)  # the command's alone: threads sleep on
        monkeypatch.setattr("headway.management.terminal.time", clock)
        run = start()
        assert status(str(run.pk), "--watch")[-1] == "The run goes on."
        assert fresh(run).state == "queued"


@pytest.mark.django_db
class TestFinding:
    def test_as_much_of_the_id_as_is_its_own_will_do(self) -> None:
        run = start()
        for given in (run.pk.hex[:12], str(run.pk)[:20], str(run.pk)[:8].upper(), run.pk.hex):
            assert status(given)[0] == f"Write ledger (tests.write_ledger), run {run.pk}"

    def test_what_two_runs_begin_with_is_not_enough(self) -> None:
        with_ids(*TWINS)
        assert refusal(status, "aaaaaaaa-0000") == (
            "There is no run 'aaaaaaaa-0000'. 2 runs have an id that begins so: give more of it. "
            "`manage.py headway_status` lists the runs."
        )

    @pytest.mark.parametrize("given", ["zzz", str(TWINS[0]), *once("", "-")])
    def test_what_no_run_begins_with_is_told(self, given: str) -> None:
        start()
        expected = f"There is no run {given!r}. `manage.py headway_status` lists the runs."
        assert refusal(call_command, "headway_cancel", "--", given) == expected

    @pytest.mark.once
    def test_a_run_that_waits_for_a_worker_says_so_in_full(self) -> None:
        run = start()
        assert status(str(run.pk))[1:] == [
            "  state      queued: no worker is there",
            "  processed  0",
            "  succeeded  0",
            "  failed     0",
            "  reason     It starts by itself as soon as a worker is there. (no-worker)",
            "No worker is there. Start one: manage.py headway_worker",
        ]


@pytest.mark.django_db(transaction=True)
@pytest.mark.once
class TestCancel:
    def test_a_queued_run_is_cancelled_at_once(self) -> None:
        run = start()
        assert cancel(run.pk.hex[:12]) == f"Run {run.pk} is cancelled.\n"
        assert fresh(run).state == "cancelled"

    def test_one_that_is_worked_on_soon(self) -> None:
        run = start()
        work(claim(run), should_stop=after_items())
        claim(run)
        assert cancel(run.pk) == f"Run {run.pk} is cancelling.\n"

    def test_one_that_has_ended_cannot_be(self) -> None:
        run = drive(start())
        assert refusal(cancel, run.pk) == (
            "The run is succeeded, so it can't be asked to cancel. Nothing can be asked of it now."
        )
