"""Every number and sentence of a snapshot is true of the rows at that moment, whatever the rows are."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from headway import panel
from headway.database import now_ms
from headway.models import Kind, Part, Run
from headway.panel.faces import face_of
from headway.panel.markup import bar_of
from headway.panel.values import values
from headway.snapshots import snapshot
from headway.states import LIVE, TERMINAL, Counts, State, after
from headway.store.parts import workers
from tests.app.driving import claim, drive, start

pytestmark = pytest.mark.django_db(transaction=True)

SOME = st.integers(0, 30_000)
FEW = st.integers(0, 3)


@dataclass(frozen=True)
class Piece:
    """A part as it may stand in its table; times are seconds from now."""

    succeeded: int = 0
    failed: int = 0
    skipped: int = 0
    owned: bool = False
    lease: int = 10
    closed: bool = False
    kind: Kind = Kind.ITEMS
    paces: list[tuple[int, int]] = field(default_factory=list)
    seq: int = 1
    resumes: int = 0

    @property
    def processed(self) -> int:
        return self.succeeded + self.failed + self.skipped


PIECES = st.builds(
    Piece,
    succeeded=SOME,
    failed=SOME | FEW,
    skipped=SOME | st.just(0),
    owned=st.booleans(),
    lease=st.sampled_from([-60, -1, 10]),
    closed=st.booleans(),
    kind=st.sampled_from([Kind.ITEMS, Kind.ITEMS, Kind.FINISH]),
    paces=st.lists(st.tuples(st.integers(1, 200), st.floats(0, 1).map(lambda share: round(share * 100))), max_size=4),
    seq=st.integers(1, 500),
    resumes=FEW,
)  # fmt: skip


def as_counted(state: State, pieces: list[Piece]) -> State:
    """A run that has reached its end ended as its counts say."""
    if state not in (State.SUCCEEDED, State.PARTIAL):
        return state
    whole = sum((Counts(piece.succeeded, piece.failed, piece.skipped) for piece in pieces), Counts())
    return after(State.RUNNING, whole.finish)


def put(state: State, pieces: list[Piece], counted: int | None) -> tuple[Run, list[Part]]:
    """A run with these parts; `counted`: how many items more than are processed its total says."""
    now = now_ms()
    total = None if counted is None else sum(piece.processed for piece in pieces) + counted
    run = Run.objects.create(
        operation="tests.write_ledger", language="en", params={}, fingerprint="", state=state, concurrency_key="k",
        live_key="k" if state in LIVE else None, waiting_key="k" if state == State.WAITING else None,
        started_at=datetime.now(UTC) - timedelta(seconds=90),
        finished_at=datetime.now(UTC) if state in TERMINAL else None,
        total=total if total is None else max(0, total), total_exact=total is not None, changed=now, revision=7,
    )  # fmt: skip
    return run, [part_of(run, piece, now) for piece in pieces]


def part_of(run: Run, piece: Piece, now: int) -> Part:
    ended = piece.closed or run.is_done
    owned = piece.owned and not ended
    ages = sorted(piece.paces, reverse=True)
    marks = {now - age * 1000: piece.processed * percent // 100 for age, percent in ages}
    pace = [[at, count] for at, count in zip(sorted(marks), sorted(marks.values()), strict=True)]
    return Part.objects.create(
        run=run, kind=piece.kind, closed=ended, token=1 if owned else None, worker="w" if owned else "",
        due=None if ended else now + piece.lease * 1000, seq=piece.seq, resumes=piece.resumes,
        succeeded=piece.succeeded, failed=piece.failed, skipped=piece.skipped, pace=pace, changed=now,
        failures={"bad": piece.failed} if piece.failed else {},
    )  # fmt: skip


@pytest.mark.parametrize("heard_of", [True, False], ids=["with a worker", "without"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    state=st.sampled_from(State),
    pieces=st.lists(PIECES, min_size=1, max_size=4),
    counted=st.none() | st.integers(-5, 30_000),
)
def test_whatever_stands_in_the_tables_is_what_is_said(
    heard_of: bool, state: State, pieces: list[Piece], counted: int | None
) -> None:
    Run.objects.all().delete()
    run, parts = put(as_counted(state, pieces), pieces, counted)
    if heard_of:
        workers.beat("another", "host", 1, 1)
    seen = snapshot(run.pk)
    try:
        numbers_are_true(seen, run, parts)
        reasons_are_true(seen, run, parts, heard_of)
        sentences_are_true(seen, parts)
    finally:
        Run.objects.all().delete()


def numbers_are_true(seen: dict[str, Any], run: Run, parts: list[Part]) -> None:
    """Each count is the sum over its parts; what is derived from them follows."""
    said = seen["progress"]
    for name in ("succeeded", "failed", "skipped", "processed"):
        assert said[name] == sum(getattr(part, name) for part in parts)
    assert said["processed"] == said["succeeded"] + said["failed"] + said["skipped"]
    assert said["retrying"] == 0
    assert sum(code["count"] for code in seen["failure_summary"]) == said["failed"]
    assert seen["resumes"] == sum(part.resumes for part in parts)
    assert seen["revision"] == run.revision + sum(part.seq for part in parts)
    assert (said["total"] is None) == (run.total is None)
    if run.total is not None:
        assert said["total"] == max(run.total, said["processed"])
        assert said["total_exact"] == (said["total"] == run.total)
    if said["percent"] is not None:
        assert said["percent"] * said["total"] <= said["processed"] * 100 + 1e-6
        assert (said["percent"] == 100) == (run.is_done and said["processed"] == said["total"])
    paces_are_true(said, run, parts)


def paces_are_true(said: dict[str, Any], run: Run, parts: list[Part]) -> None:
    """Nobody works: no rate, no time left. A rate is never more than could have been done since the oldest mark."""
    marks = [mark for part in parts for mark in part.pace]
    if run.state != State.RUNNING or not marks:
        assert said["rate"] is None
        assert said["eta_seconds"] is None
        return
    if said["rate"] is not None:
        gained = sum(part.pace[-1][1] - part.pace[0][1] for part in parts if part.pace)
        window = min(20.0, (now_ms() - min(at for at, _ in marks)) / 1000)
        assert 0 <= said["rate"] <= gained / window * 1.2 + 0.1
    if said["eta_seconds"] is not None:
        assert said["processed"] < said["total"]
        assert said["eta_seconds"] >= 1


def reasons_are_true(seen: dict[str, Any], run: Run, parts: list[Part], heard_of: bool) -> None:
    """Who is silent, who is missing, and what is still to come."""
    now = now_ms()
    owned = [part for part in parts if part.token is not None]
    lapsed = [part for part in owned if (part.due or 0) < now]
    assert seen["stalled"] == bool(lapsed)
    code = seen["reason"]["code"] if seen["reason"] else ""
    unowned = len(lapsed) == len(owned)
    lacks = run.state in (State.QUEUED, State.RUNNING) and unowned and not heard_of
    assert (code == "no-worker") == lacks
    assert (code == "behind-run") == (run.state == State.WAITING)
    assert code in ("", "no-worker", "behind-run")
    finishing = run.state == State.RUNNING and any(part.kind == Kind.FINISH for part in parts)
    assert seen["progress"]["finishing"] == finishing


def sentences_are_true(seen: dict[str, Any], parts: list[Part]) -> None:
    """Of the panel as it is rendered: no number in it that isn't one of the run's."""
    said, found = seen["progress"], values(seen, datetime.now(UTC))
    face = face_of(seen)
    for name, count in (("succeeded", said["succeeded"]), ("failed", said["failed"]), ("skipped", said["skipped"])):
        assert share_holds(found[f"{name}_share"], count, said["processed"])
    if said["rate"] and said["rate"] < 0.5:
        assert found["speed"] == ""
    assert found["speed"] != "0"
    assert found["left"] == ("" if said["total"] is None else f"{said['total'] - said['processed']:,}")
    bar = bar_of(face, seen)
    assert 0 <= float(bar["main"][:-1]) <= 100
    assert float(bar["main"][:-1]) + float(bar["bad"][:-1]) <= 100
    shown = panel.Shown(seen, "", [], can_steer=True, is_staff=True).render("headway/panel.html")
    text = re.sub(r"<template.*?</template>|<[^>]*hidden>.*?</|<[^>]+>", " ", str(shown), flags=re.DOTALL)
    assert "not known yet" not in text
    if face.name in ("stalled", "unattended"):
        assert any(part.token is not None for part in parts) or seen["reason"]
    if "takes over within" in text:
        assert seen["stalled"]


def share_holds(said: str, count: int, of: int) -> bool:
    """Less than a percent away, since all add up to 100; and neither all nor nothing before it is so."""
    if not said:
        return not of or not count
    exact = count * 100 / of
    if said == "<1%":
        return 0 < exact < 1
    if said == ">99%":
        return 99 < exact < 100
    number = int(said[:-1])
    return abs(number - exact) < 1 and (number == 0) == (count == 0) and (number == 100) == (count == of)


class TestInLine:
    @settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(ahead=st.integers(0, 6), taken=st.booleans())
    def test_as_many_are_said_to_stand_before_a_run_as_do(self, ahead: int, taken: bool) -> None:
        Run.objects.all().delete()
        workers.beat("another", "host", 1, 1)
        first = [start(items=number + 1) for number in range(ahead)]
        mine = start(items=100)
        if taken and first:
            claim(first[0])
        before = ahead - bool(taken and first)
        reason = snapshot(mine.pk)["reason"]
        said = {0: None, 1: "One run stands before it. It starts by itself."}
        assert (reason and reason["text"]) == said.get(before, f"{before} runs stand before it. It starts by itself.")

    def test_a_run_that_is_claimed_while_it_is_looked_at_stands_behind_nobody(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        workers.beat("another", "host", 1, 1)
        run = start()
        alive = workers.alive

        def claimed_meanwhile() -> int:
            claim(run)
            return alive()

        monkeypatch.setattr(workers, "alive", claimed_meanwhile)
        assert snapshot(run.pk)["reason"] is None

    def test_the_hundredth_is_told_that_a_hundred_or_more_do(self) -> None:
        workers.beat("another", "host", 1, 1)
        for number in range(101):
            start(items=number + 1)
        mine = start(items=1_000)
        reason = snapshot(mine.pk)["reason"]
        assert reason is not None
        assert reason["text"].startswith("100 runs or more stand before it.")


class TestNothingSucceeded:
    def test_where_others_were_skipped_not_every_item_failed(self) -> None:
        run = drive(start(items=20, reject="7", skip=",".join(str(n) for n in range(20) if n != 7)))
        seen = snapshot(run.pk)
        assert seen["state"] == "failed"
        assert seen["reason"] == {
            "code": "nothing-succeeded",
            "text": "Nothing succeeded: 1 failed, 19 skipped.",
        }
        bar = bar_of(face_of(seen), seen)
        assert (bar["bad"], bar["main"]) == ("5.0%", "94.7%")

    def test_where_none_was_every_item_did(self) -> None:
        seen = snapshot(drive(start(items=2, reject="0,1")).pk)
        assert seen["reason"] == {"code": "every-item-failed", "text": "Every item failed."}
