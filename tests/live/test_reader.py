"""A round of the hub's reading: it finds every change, and asks for no more than it must."""

import math
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from headway import runs
from headway.live.hub import questions
from headway.live.hub import reader as reading
from headway.live.hub.reader import Found, Reader, Wanted
from headway.models import Part, Run
from tests.app.driving import after_items, claim, counted, drive, work

pytestmark = pytest.mark.django_db(transaction=True)
commits_of_others = questions.commits


@pytest.fixture(autouse=True)
def commits(monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite counts the commits of other connections only; here each round finds that there was one."""
    monkeypatch.setattr(questions, "commits", count().__next__)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    """One for which time stands still: it holds no message back, and the clock changes nothing."""
    monkeypatch.setattr(reading, "MESSAGE_GAP", 0)
    monkeypatch.setattr(reading, "CLOCK_GAP", 600)
    return Reader()


def start(user: Any = None, **given: Any) -> Run:
    return runs.start("tests.write_ledger", given or {"items": 3}, user=user).run


def told(found: Found) -> list[tuple[Any, str, int]]:
    return [(update.run_id, update.push.kind, update.run["revision"]) for update in found.news]


def test_what_is_new_is_told_once(reader: Reader) -> None:
    run = start()
    wanted = Wanted(runs={run.pk})
    first, again = told(reader.read(wanted)), told(reader.read(wanted))
    work(claim(run), after_items(1))
    work(claim(run), after_items(1))
    moved = told(reader.read(wanted))
    drive(run)
    ended = told(reader.read(wanted))
    assert (first, again) == ([(run.pk, "snapshot", 1)], [])
    assert [kind for _, kind, _ in moved + ended] == ["snapshot", "end"]


def test_a_run_that_is_not_there_is_said_to_be_gone(reader: Reader) -> None:
    run = start()
    wanted = Wanted(runs={run.pk})
    reader.read(wanted)
    gone = run.pk
    run.delete()
    assert reader.read(wanted).gone == {gone}


def test_a_thousand_runs_are_one_question_and_what_changed_four(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "CLOCK_GAP", 600)  # else a slow machine asks for what changes without a commit as well
    run = start()
    first = Run.objects.get(pk=run.pk)
    Run.objects.bulk_create(
        Run(operation=first.operation, params={}, concurrency_key=str(n), live_key=str(n), changed=1)
        for n in range(999)
    )
    every = set(Run.objects.values_list("id", flat=True))
    Part.objects.bulk_create(Part(run_id=run_id, changed=1) for run_id in every - {run.pk})
    wanted = Wanted(runs=every)
    reader.read(wanted)
    with CaptureQueriesContext(connection) as asked:
        reader.read(wanted)
    work(claim(run), after_items(1))
    counted()  # else its write may be met, and then it is asked for how long the lock has been held
    with CaptureQueriesContext(connection) as asked_again:
        news = told(reader.read(wanted))
    assert len(asked) == 1
    assert len(asked_again) <= 1 + 4
    assert [run_id for run_id, _, _ in news] == [run.pk]


def test_sqlite_is_asked_nothing_while_nobody_writes_and_postgresql_one_question_a_round(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(questions, "commits", commits_of_others)
    wanted = Wanted(runs={start().pk})
    reader.read(wanted)
    with CaptureQueriesContext(connection) as asked:
        for _ in range(5):
            reader.read(wanted)
    assert len(asked) == (0 if connection.vendor == "sqlite" else 5)


class TestMany:
    """Above a thousand watched runs, only those are asked for that changed lately; every 5 s all are."""

    @pytest.fixture(autouse=True)
    def many(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(reading, "MANY", 0)

    def test_a_change_is_found(self, reader: Reader) -> None:
        first, second = start(items=3), start(items=4)
        wanted = Wanted(runs={first.pk, second.pk})
        reader.read(wanted)
        Part.objects.update(changed=1)
        Run.objects.update(changed=1)
        runs.cancel(second)
        assert [run_id for run_id, _, _ in told(reader.read(wanted))] == [second.pk]

    def test_what_committed_too_late_for_that_is_found_when_all_are_asked_for(self, reader: Reader) -> None:
        run = start()
        wanted = Wanted(runs={run.pk})
        reader.read(wanted)
        Run.objects.update(revision=5, changed=1)
        Part.objects.update(changed=1)
        lately = told(reader.read(wanted))
        reader.asked_all = -math.inf
        assert (lately, told(reader.read(wanted))) == ([], [(run.pk, "progress", 5)])


class TestAnOpeningWhileNewsIsHeldBack:
    """A run is told at most four times a second, to those who open it, too."""

    @pytest.fixture
    def moved(self, monkeypatch: pytest.MonkeyPatch, ada: Any) -> tuple[Reader, Run]:
        """A run that moved on just after it was told."""
        monkeypatch.setattr(reading, "MESSAGE_GAP", 600)
        reader, run = Reader(), start(ada)
        reader.read(Wanted(runs={run.pk}))
        work(claim(run), after_items(1))
        counted()
        return reader, run

    def test_waits_and_sees_what_all_are_told(self, moved: tuple[Reader, Run], monkeypatch: pytest.MonkeyPatch) -> None:
        reader, run = moved
        opening = Wanted(runs={run.pk}, opening_runs={run.pk})
        first = reader.read(opening)
        monkeypatch.setattr(reading, "MESSAGE_GAP", 0)
        second = reader.read(opening)
        assert (first.news, first.held_back, second.held_back) == ([], {run.pk}, set())
        assert second.news == [second.now[run.pk]]
        assert second.news[0].push.kind == "snapshot"

    def test_of_all_of_a_users_runs_waits_for_none(self, moved: tuple[Reader, Run], ada: Any) -> None:
        reader, run = moved
        users = {str(ada.pk)}
        opened = reader.read(Wanted(runs={run.pk}, users=users, opening_users=users))
        assert opened.news == [opened.now[run.pk]]
        assert opened.now[run.pk].run["revision"] > 1


def test_who_opens_all_of_theirs_sees_the_newest_and_hears_of_the_others_when_they_change(
    reader: Reader, monkeypatch: pytest.MonkeyPatch, ada: Any, bob: Any
) -> None:
    monkeypatch.setattr(questions, "MOST", 2)
    oldest, *newest, his = start(ada, items=1), start(ada, items=2), start(ada, items=3), start(bob, items=1)
    Run.objects.update(changed=1)
    Part.objects.update(changed=1)
    users = {str(ada.pk), str(bob.pk)}
    opened = reader.read(Wanted(users=users, opening_users=users))
    runs.cancel(oldest)
    later = told(reader.read(Wanted(users=users)))
    assert list(opened.owners) == [*(run.pk for run in newest), his.pk]
    assert [(run_id, kind) for run_id, kind, _ in later] == [(oldest.pk, "end")]
