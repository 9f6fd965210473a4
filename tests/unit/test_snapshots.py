"""What a watcher is told of a run: the same fields always, counts that add up, a revision that grows with changes."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.utils.translation import gettext_lazy as _

from headway import Operation, Reject, runs
from headway.errors import RunNotFound
from headway.models import Part, Run, Worker
from headway.snapshots import snapshot
from headway.store.parts import workers
from tests.app.driving import after_items, claim, counted, drive, expire, start, work
from tests.app.sources import Numbers
from tests.once import once
from tests.tutorial.page import ROOT

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]
Seen = dict[str, Any]

FIELDS = [
    "id", "operation", "title", "state", "done", "progress", "message", "reason", "stalled", "resumes",
    "hooks_failed", "params", "result", "failure_summary", "created_at", "started_at", "updated_at", "finished_at",
    "paused_seconds", "waiting_until", "actions", "dry_run", "retry_of", "retried_by", "revision",
    "links",
]  # fmt: skip
PROGRESS = [
    "total", "total_exact", "processed", "succeeded", "failed", "skipped", "retrying", "percent", "rate", "eta_seconds",
    "finishing", "step",
]  # fmt: skip
BY_THE_CLOCK = {"rate", "eta_seconds", "stalled"}


class Translated(Operation):
    """Its title is a translation."""

    name = "tests.translated"
    title = _("Yes")

    def items(self) -> Numbers:
        return Numbers(1)

    def process(self, number: int) -> None: ...


def one_item(run: Run) -> None:
    """A worker's visit of one item."""
    work(claim(run), should_stop=after_items())
    counted()


def lasting(seen: Seen) -> Seen:
    """What of a snapshot only changes when something stored does."""
    kept = {name: value for name, value in seen.items() if name not in BY_THE_CLOCK | {"revision"}}
    kept["progress"] = {name: value for name, value in seen["progress"].items() if name not in BY_THE_CLOCK}
    return kept


def life(run: Run, *moves: Callable[[Run], object]) -> list[Seen]:
    """The snapshots before and after each of these moves."""
    seen = [snapshot(run.pk)]
    for move in moves:
        move(run)
        seen.append(snapshot(run.pk))
    return seen


class TestShape:
    @pytest.mark.once
    def test_the_reference_names_each_key(self) -> None:
        seen = snapshot(start(items=3).pk)
        _, _, table = (ROOT / "docs/reference/runs.md").read_text().partition("| Key |")
        named = [key for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for key in re.findall("`(.*?)`", row)]
        assert sorted(named) == sorted([*seen, *(f"progress.{key}" for key in seen["progress"])])

    def test_a_run_has_its_fields_from_its_first_moment(self) -> None:
        run = start(items=3)
        seen = snapshot(run.pk)
        assert list(seen) == FIELDS
        assert list(seen["progress"]) == PROGRESS
        created = datetime.fromisoformat(seen.pop("created_at"))
        assert created.utcoffset() is not None
        assert datetime.fromisoformat(seen.pop("updated_at")) >= created - timedelta(seconds=1)  # SQLite's Now() rounds
        del seen["links"]  # tests/http has them: they depend on where a project mounts its URLs
        assert seen == {
            "id": str(run.pk),
            "operation": "tests.write_ledger",
            "title": "Write ledger",
            "state": "queued",
            "done": False,
            "progress": {
                "total": None,
                "total_exact": False,
                "processed": 0,
                "succeeded": 0,
                "failed": 0,
                "skipped": 0,
                "retrying": 0,
                "percent": None,
                "rate": None,
                "eta_seconds": None,
                "finishing": False,
                "step": None,
            },
            "message": "",
            "reason": {"code": "no-worker", "text": "It starts by itself as soon as a worker is there."},
            "stalled": False,
            "resumes": 0,
            "hooks_failed": 0,
            "params": {"items": 3, "work_us": 0} | dict.fromkeys(("reject", "skip", "fail", "stop", "die", "gate"), ""),
            "result": None,
            "failure_summary": [],
            "started_at": None,
            "finished_at": None,
            "paused_seconds": 0.0,
            "waiting_until": None,
            "actions": ["cancel"],
            "dry_run": False,
            "retry_of": None,
            "retried_by": None,
            "revision": 1,
        }

    def test_it_keeps_them_to_its_end(self, script: Script) -> None:
        script["before"] = lambda operation, number: operation.say(f"Number {number}")
        script["on_finish"] = lambda: {"made": 5}
        run = drive(start("tests.scripted"))
        seen = snapshot(run.pk)
        assert list(seen) == FIELDS
        assert list(seen["progress"]) == PROGRESS
        assert (seen["state"], seen["done"], seen["actions"]) == ("succeeded", True, [])
        assert (seen["message"], seen["result"]) == ("Number 4", {"made": 5})
        assert seen["started_at"] <= seen["finished_at"]
        assert seen["progress"] == {
            "total": 5,
            "total_exact": True,
            "processed": 5,
            "succeeded": 5,
            "failed": 0,
            "skipped": 0,
            "retrying": 0,
            "percent": 100.0,
            "rate": None,
            "eta_seconds": None,
            "finishing": False,
            "step": None,
        }

    @pytest.mark.once
    def test_every_snapshot_is_plain_json(self) -> None:
        run = runs.start("tests.translated").run
        for seen in life(run, drive):
            assert json.loads(json.dumps(seen)) == seen
            assert seen["title"] == "Yes"

    @pytest.mark.once
    def test_a_retry_names_what_it_retries(self) -> None:
        run = drive(start(items=2, reject="1"))
        assert snapshot(runs.retry(run).run.pk)["retry_of"] == str(run.pk)

    @pytest.mark.once
    def test_a_run_of_an_operation_that_is_no_more_still_has_a_title(self) -> None:
        run = start()
        Run.objects.update(operation="airports.removed")
        assert snapshot(run.pk)["title"] == "airports.removed"

    def test_a_run_that_is_not_there_is_not_found(self) -> None:
        with pytest.raises(RunNotFound):
            snapshot(uuid4())


class TestRevision:
    def test_it_never_falls_and_grows_with_every_change(self) -> None:
        run = start(items=8, reject="2,3", skip="4")
        seen = life(
            run,
            one_item,
            one_item,
            one_item,
            runs.pause,
            runs.resume,
            one_item,
            one_item,
            runs.pause,
            runs.resume,
            drive,
        )
        assert [one["state"] for one in seen] == [
            "queued", "running", "running", "running", "paused", "running", "running", "running", "paused", "running",
            "partial",
        ]  # fmt: skip
        for before, after in pairwise(seen):
            assert after["revision"] >= before["revision"]
            if lasting(before) != lasting(after):
                assert after["revision"] > before["revision"]

    def test_being_taken_over_is_a_change(self) -> None:
        run = start(items=8)
        one_item(run)
        abandoned = claim(run)
        before = snapshot(run.pk)
        expire(abandoned)
        claim(run, "another")
        after = snapshot(run.pk)
        assert after["resumes"] == before["resumes"] + 1
        assert after["revision"] > before["revision"]

    def test_a_cancel_is_two_changes_while_somebody_works(self) -> None:
        run = start(items=8)
        one_item(run)
        part = claim(run)
        seen = life(run, runs.cancel, lambda run: work(part, should_stop=after_items()))
        assert [one["state"] for one in seen] == ["running", "cancelling", "cancelled"]
        assert seen[0]["revision"] < seen[1]["revision"] < seen[2]["revision"]

    @pytest.mark.once
    def test_asking_again_is_none(self) -> None:
        run = start(items=8)
        one_item(run)
        before, after = life(run, runs.resume)
        assert lasting(before) == lasting(after)
        assert before["revision"] == after["revision"]


class TestProgress:
    def test_the_counts_add_up_at_every_step(self) -> None:
        run = start(items=8, reject="2,3", skip="4")
        for seen in life(run, *[one_item] * 8):
            progress = seen["progress"]
            assert progress["processed"] == progress["succeeded"] + progress["failed"] + progress["skipped"]
            assert (progress["percent"] == 100.0) == seen["done"]
            assert sum(summary["count"] for summary in seen["failure_summary"]) == progress["failed"]

    @pytest.mark.once
    def test_it_counts_up_by_one_and_the_percentage_is_rounded_down(self) -> None:
        seen = life(start(items=8), *[one_item] * 9)
        assert [(one["progress"]["processed"], one["progress"]["percent"]) for one in seen] == [
            (0, None),  # not yet planned, so not yet counted
            (1, 12.5),
            (2, 25.0),
            (3, 37.5),
            (4, 50.0),
            (5, 62.5),
            (6, 75.0),
            (7, 87.5),
            (8, 99.9),  # all are done, the run is not
            (8, 100.0),
        ]

    @pytest.mark.once
    def test_a_cancelled_run_stands_where_it_was(self) -> None:
        run = start(items=8)
        one_item(run)
        runs.cancel(run)
        progress = snapshot(run.pk)["progress"]
        assert (progress["processed"], progress["total"], progress["percent"]) == (1, 8, 12.5)

    @pytest.mark.once
    def test_a_total_that_was_counted_before_rows_were_added_is_not_passed_by(self) -> None:
        run = start(items=8)
        one_item(run)
        Part.objects.update(succeeded=12)
        progress = snapshot(run.pk)["progress"]
        assert (progress["processed"], progress["total"], progress["total_exact"]) == (12, 12, False)
        assert progress["percent"] == 99.9

    @pytest.mark.parametrize("ends", [False, *once(True)], ids=["its worker dies", "its worker ends"])
    def test_a_gap_without_a_worker_is_no_slowness(self, settings: Any, ends: bool) -> None:
        settings.HEADWAY = settings.HEADWAY | {"SLICE_SECONDS": 0.1}
        run = start(items=5_000, work_us=1_000)
        work(claim(run))
        part = claim(run)
        work(part, should_stop=lambda: True) if ends else expire(part)
        gap = snapshot(run)["progress"]
        for part in run.parts.all():
            Part.objects.update(pace=[[at - 60_000, processed] for at, processed in part.pace])

        work(claim(run))
        work(claim(run))

        after = snapshot(run)["progress"]
        assert (gap["rate"], gap["eta_seconds"]) == (None, None)
        assert after["rate"] > after["processed"] / 10  # in truth in less than a second, with the gap in a minute

    def test_failures_are_summed_up_by_code_the_most_frequent_first(self) -> None:
        run = drive(start(items=9, reject="1", fail="2,3", skip="4"))
        assert snapshot(run.pk)["failure_summary"] == [
            {"code": "bad-value", "count": 2},
            {"code": "rejected", "count": 1},
        ]


class TestReasons:
    def test_a_queued_run_with_a_worker_has_none(self) -> None:
        run = start()
        workers.beat("somebody", "host", 1, 1)
        assert snapshot(run.pk)["reason"] is None

    @pytest.mark.once
    def test_a_paused_one_says_who_wanted_it(self) -> None:
        run = start()
        one_item(run)
        runs.pause(run)
        assert snapshot(run.pk)["reason"] == {"code": "paused", "text": "Paused."}

    @pytest.mark.once
    def test_a_run_in_which_nothing_succeeded_says_so(self) -> None:
        run = drive(start(items=1, reject="0"))
        assert snapshot(run.pk)["reason"] == {"code": "every-item-failed", "text": "Every item failed."}

    @pytest.mark.once
    def test_what_went_wrong_in_detail_is_not_for_everybody(self, script: Script) -> None:
        def broken() -> Any:
            raise RuntimeError("password=secret")

        script["items"] = broken
        seen = snapshot(drive(start("tests.scripted")).pk)
        assert seen["state"] == "paused"
        assert seen["reason"] == {
            "code": "operation-error",
            "text": "Its items can't be found. Mend it, then resume; nothing is lost.",
        }
        assert "secret" not in json.dumps(seen)

    def test_a_run_that_began_and_has_no_worker_left_says_so(self) -> None:
        run = start()
        one_item(run)
        text = "It goes on by itself as soon as a worker is there."
        assert snapshot(run.pk)["reason"] == {"code": "no-worker", "text": text}
        part = claim(run)
        assert snapshot(run.pk)["reason"] is None
        workers.beat(part.worker, "host", 1, 1)  # it was heard of a moment ago, but its lease has run out
        expire(part)
        seen = snapshot(run.pk)
        assert (seen["stalled"], seen["reason"]) == (True, {"code": "no-worker", "text": text})
        workers.beat("another", "host", 1, 1)
        assert snapshot(run.pk)["reason"] is None

    def test_it_is_stalled_while_its_owner_is_silent(self) -> None:
        run = start()
        one_item(run)
        part = claim(run)
        assert snapshot(run.pk)["stalled"] is False
        expire(part)
        assert snapshot(run.pk)["stalled"] is True
        drive(run)
        assert snapshot(run.pk)["stalled"] is False


@pytest.mark.sqlite
class TestLongItems:
    """On SQLite, where an item that has written holds the one write lock."""

    def test_a_healthy_item_longer_than_its_lease_is_not_called_dead(self) -> None:
        run = start()
        one_item(run)
        part = claim(run)
        expire(part)
        Part.objects.update(changed=0)
        Worker.objects.all().delete()
        with an_item_that_writes():
            seen = snapshot(run.pk)
            assert (seen["stalled"], seen["reason"]) == (False, None)
        assert snapshot(run.pk)["stalled"] is True

    def test_once_others_have_written_since_its_silence_is_its_own(self) -> None:
        run = start()
        one_item(run)
        expire(claim(run))
        workers.beat("another", "host", 1, 1)
        with an_item_that_writes():
            assert snapshot(run.pk)["stalled"] is True


@contextmanager
def an_item_that_writes() -> Iterator[None]:
    """Another process's open transaction, as SQLite sees it."""
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield


class TestFinishing:
    def test_it_is_said_while_on_finish_takes_its_time_and_only_then(self, script: Script) -> None:
        seen: list[Seen] = []
        run = start("tests.scripted")
        script["on_finish"] = lambda: seen.append(snapshot(run.pk))
        one_item(run)
        seen.append(snapshot(run.pk))
        drive(run)
        seen.append(snapshot(run.pk))
        assert [(one["state"], one["progress"]["finishing"]) for one in seen] == [
            ("running", False),
            ("running", True),
            ("succeeded", False),
        ]
        assert seen[1]["progress"]["eta_seconds"] is None


class Unspeakable(Exception):
    """An error whose text can't be had."""

    def __str__(self) -> str:
        raise RuntimeError


class TestItems:
    @pytest.mark.once
    def test_an_error_that_cannot_be_told_fails_its_item_like_any_other(self, script: Script) -> None:
        def fail(operation: Any, number: int) -> None:
            raise Unspeakable

        script["before"] = fail
        run = drive(start("tests.scripted"))
        outcome = run.outcomes.first()
        assert outcome is not None
        assert (outcome.code, outcome.text) == ("error", "Something unexpected went wrong with it.")
        assert outcome.detail.startswith("Unspeakable: its text can't be told\n")

    @pytest.mark.parametrize("label", [["a"], *once(7, "", None)])
    def test_whatever_an_operation_calls_an_item_is_kept_as_text(
        self, script: Script, monkeypatch: pytest.MonkeyPatch, label: Any
    ) -> None:
        def refuse(operation: Any, number: int) -> None:
            raise Reject("no")

        script["before"] = refuse
        run = start("tests.scripted")
        monkeypatch.setattr("tests.app.scripted.Scripted.label", lambda self, number: label)
        drive(run)
        assert run.outcomes.count() == 5
        assert run.outcomes.order_by("id")[3].label == str(label or "3")
