"""The crash run's judge can fail: each fault that is planted is found, in the run where it is, and by its name."""

import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.crash.storm.expected import IN_DOUBT, OUTSIDE, Evidence, examine
from tests.crash.storm.judge import Judge
from tests.crash.storm.ledger import Ledger
from tests.crash.storm.reader import Reader
from tests.crash.storm.stage import Stage, embedded
from tests.crash.storm.watching import Watched

ITEMS = 40
PARAMS = {"items": ITEMS, "reject": "3", "skip": "4", "fail": "5", "mend": "6", "again": "7"}
PATIENCE = 30.0  # s


@dataclass
class Scene:
    """Three runs that have ended as they should, and one that is paused for good."""

    stage: Stage
    api: Reader
    file: Path
    partial: str
    retry: str
    cancelled: str
    journal: list[dict[str, Any]]

    def judge(self) -> Judge:
        """A judge who has seen all that is there."""
        judge = self.new_judge()
        judge.settle(PATIENCE)
        return judge

    def new_judge(self) -> Judge:
        return Judge(self.api, Ledger(self.stage.ledger))

    def plant(self, statement: str, **values: str) -> None:
        bare = {name: value.replace("-", "") for name, value in values.items()}
        with closing(sqlite3.connect(self.file, timeout=10)) as connection, connection:
            assert connection.execute(statement, bare).rowcount > 0, "nothing was planted"


def test_an_item_that_was_under_way_outside_when_its_worker_died_need_not_be_skipped() -> None:
    progress = {"processed": 2, "succeeded": 1, "failed": 1, "skipped": 0, "total": 2, "percent": 100}
    params = {"items": 2, "reject": "", "skip": "1", "fail": "", "mend": "", "again": ""}
    run = {"id": "1", "operation": OUTSIDE, "params": params, "state": "partial", "reason": None, "progress": progress,
           "failure_summary": [{"code": IN_DOUBT, "count": 1}]}  # fmt: skip
    ledger = Counter({"0": 1, "on_start": 1, "on_finish": 1})

    assert examine(Evidence(run, ledger, {"1": IN_DOUBT})) == []
    inside = examine(Evidence(run | {"operation": "tests.storm"}, ledger, {"1": IN_DOUBT}))
    assert {found.kind for found in inside} == {"stray", "never"}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scratch = tmp_path_factory.mktemp("judged")
    with (
        embedded(scratch, crews=1, webs=1) as stage,
        httpx.Client(base_url=stage.urls[0], headers={"Authorization": "Token demo"}) as client,
        Reader(stage.urls) as api,
    ):
        partial = started(client, "judged")
        until_done(client, partial)
        retry = client.post(f"/api/runs/{partial}/retry/").json()["id"]
        until_done(client, retry)
        cancelled = started(client, "cancelled", read_ms=50)
        client.post(f"/api/runs/{cancelled}/cancel/")
        until_done(client, cancelled)
        stage.crews[0].server.stop()
        journal = [{"run": run, "name": name, "key": name} for run, name in ((partial, "judged"), (retry, "retry"))]
        yield Scene(stage, api, scratch / "storm.sqlite3", partial, retry, cancelled, journal)


@pytest.fixture
def planting(scene: Scene) -> Iterator[Scene]:
    """The scene; whatever a test does to its database is undone."""
    with closing(sqlite3.connect(":memory:")) as kept, closing(sqlite3.connect(scene.file, timeout=10)) as database:
        database.backup(kept)
        yield scene
        kept.backup(database)


def started(client: httpx.Client, name: str, **given: Any) -> str:
    answer = client.post("/api/operations/tests.storm/runs/", json=PARAMS | {"name": name} | given)
    assert answer.status_code == 202, answer.text
    run: str = answer.json()["id"]
    return run


def until_done(client: httpx.Client, run: str) -> None:
    give_up = time.monotonic() + PATIENCE
    while not client.get(f"/api/runs/{run}/").json()["done"]:
        assert time.monotonic() < give_up
        time.sleep(0.05)


def found(judge: Judge, journal: list[dict[str, Any]]) -> set[tuple[str, str]]:
    """(kind, run) of all that the judge finds."""
    judge.judge(journal)
    return {(violation.kind, violation.run) for violation in judge.violations}


pytestmark = [pytest.mark.once, pytest.mark.slow]


def test_nothing_is_wrong_where_nothing_is(scene: Scene) -> None:
    judge = scene.judge()

    assert found(judge, scene.journal) == set()
    verdict = judge.verdict(scene.journal)
    assert (verdict["runs"], verdict["retries"], verdict["violations"]) == (3, 1, [])
    assert verdict["states"] == {"partial": 2, "cancelled": 1}


@pytest.mark.parametrize(
    ("kind", "statement"),
    [
        ("twice", "INSERT INTO app_ledgerentry (run, item) VALUES (:run, '17')"),
        ("twice", "INSERT INTO app_ledgerentry (run, item) VALUES (:run, 'on_finish')"),
        ("stray", "INSERT INTO app_ledgerentry (run, item) VALUES (:run, '3')"),
        ("never", "DELETE FROM app_ledgerentry WHERE run = :run AND item = '17'"),
        ("never", "DELETE FROM headway_itemoutcome WHERE run_id = :run AND key = '4'"),
        ("counter", "UPDATE headway_part SET succeeded = succeeded + 1 WHERE run_id = :run"),
        ("counter", "UPDATE headway_part SET failures = '{\"rejected\": 3}' WHERE run_id = :run"),
        ("stray", "UPDATE headway_itemoutcome SET code = 'worker-died' WHERE run_id = :run AND key = '3'"),
        ("hook", "DELETE FROM app_ledgerentry WHERE run = :run AND item = 'on_start'"),
        ("state", "UPDATE headway_run SET state = 'succeeded' WHERE id = :run"),
    ],
)
def test_each_fault_in_a_finished_run_is_found(planting: Scene, kind: str, statement: str) -> None:
    planting.plant(statement, run=planting.partial)

    assert (kind, planting.partial) in found(planting.judge(), planting.journal)


def test_an_effect_of_what_the_run_before_had_done_already_is_found(planting: Scene) -> None:
    planting.plant("INSERT INTO app_ledgerentry (run, item) VALUES (:run, '17')", run=planting.retry)

    assert ("stray", planting.retry) in found(planting.judge(), planting.journal)


def test_an_effect_after_the_api_had_said_cancelled_is_found(planting: Scene) -> None:
    judge = planting.judge()
    planting.plant("INSERT INTO app_ledgerentry (run, item) VALUES (:run, '39')", run=planting.cancelled)

    assert ("after-end", planting.cancelled) in found(judge, planting.journal)


def test_a_run_that_never_ends_is_found(planting: Scene) -> None:
    planting.plant(
        "UPDATE headway_run SET state = 'paused', finished_at = NULL, live_key = 'x' WHERE id = :run",
        run=planting.partial,
    )
    judge = planting.new_judge()

    judge.settle(0.5)

    assert [(violation.kind, violation.run) for violation in judge.violations] == [("stuck", planting.partial)]


def test_an_accepted_start_without_a_run_is_found(planting: Scene) -> None:
    lost = {"run": "00000000-0000-4000-8000-000000000000", "name": "lost", "key": None}

    assert found(planting.judge(), [*planting.journal, lost]) == {("lost", lost["run"])}


def test_two_runs_of_one_idempotency_key_are_found(planting: Scene) -> None:
    journal = [line | {"key": "same"} for line in planting.journal]

    assert ("duplicate", min(planting.partial, planting.retry)) in found(planting.judge(), journal)


def test_two_runs_of_one_name_at_the_same_time_are_found(planting: Scene) -> None:
    planting.plant(
        "UPDATE headway_run SET started_at = (SELECT started_at FROM headway_run WHERE id = :first) WHERE id = :run",
        first=planting.partial,
        run=planting.retry,
    )

    assert "duplicate" in {kind for kind, _ in found(planting.judge(), planting.journal)}


@pytest.mark.parametrize("fences", [(7, 8, 7), (7, 7, 7)])
def test_two_runs_that_wrote_under_one_name_at_once_are_found(planting: Scene, fences: tuple[int, ...]) -> None:
    for fence, run in zip(fences, (planting.partial, planting.retry, planting.partial), strict=True):
        planting.plant(
            f"INSERT INTO app_ledgerentry (run, item, held, fence) VALUES (:run, '17', 'a', {fence})", run=run
        )

    assert "hold" in {kind for kind, _ in found(planting.judge(), planting.journal)}


def look(**changed: Any) -> dict[str, Any]:
    """A run as the API tells it, in the middle of its work."""
    progress = {"processed": 5, "succeeded": 4, "failed": 1, "skipped": 0, "total": 10, "percent": 50}
    told = {"id": "run", "state": "running", "done": False, "revision": 7, "resumes": 1, "reason": None}
    told |= {
        "finished_at": None,
        "retried_by": None,
        "failure_summary": [],
        "progress": progress | changed.pop("progress", {}),
    }
    return told | changed


END = {"state": "succeeded", "done": True, "progress": {"processed": 10, "succeeded": 9, "percent": 100}}


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("backwards", {}, {"revision": 6}),
        ("backwards", {}, {"resumes": 0}),
        ("backwards", {}, {"progress": {"processed": 4, "succeeded": 3}}),
        ("counter", {}, {"progress": {"processed": 6}}),
        ("counter", {}, {"progress": {"percent": 100}}),
        ("counter", {}, {"progress": {"processed": 11, "succeeded": 10}}),
        ("after-end", END, {}),
        ("after-end", END, END | {"revision": 8}),
        ("after-cancel", {"state": "cancelling"}, END),
        ("reason", {}, {"state": "paused", "reason": {"code": "operation-error", "text": "It failed."}}),
    ],
)
def test_whatever_runs_backwards_is_found(kind: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    watched = Watched(look(**before))

    watched.look(look(**after))

    assert {violation.kind for violation in watched.violations} == {kind}


def test_what_only_goes_on_is_right() -> None:
    watched = Watched(look())

    watched.look(look(revision=8, resumes=2, progress={"processed": 6, "succeeded": 5}))
    watched.look(look(**END, revision=9, resumes=2))
    watched.look(look(**END, revision=9, resumes=2))
    watched.look(look(**END, revision=10, resumes=2, retried_by="its retry"))

    assert watched.violations == []
