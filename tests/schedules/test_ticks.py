"""Which ticks start a run, in one process and in many that look at the same moment."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django import forms
from django.db import ProgrammingError, connection, connections
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from headway import Operation, runs
from headway.models import IdempotencyKey, LastTick, Run
from headway.operations import registry
from headway.runs import ticks
from headway.runs.starting import KEY
from headway.runs.ticks import Timetable
from headway.signals import start_answered
from headway.testing import turn_clock
from tests.app.driving import counted, drive, fresh
from tests.once import once

pytestmark = pytest.mark.django_db(transaction=True)

LEDGER = "tests.write_ledger"
SECOND, MINUTE, HOUR, DAY = (timedelta(**{unit: 1}) for unit in ("seconds", "minutes", "hours", "days"))
A_WHILE = 10 * SECOND


def cron(ago: timedelta) -> str:
    """A schedule whose tick was so long ago, each day."""
    moment = datetime.now(UTC) - ago
    return f"{moment:%S %M %H} * * *"


@pytest.fixture
def operation(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Operation]]:
    """Has had its last tick ten seconds ago, each day at that time."""
    declared = registry.get(LEDGER)
    monkeypatch.setattr(declared, "schedule", cron(A_WHILE))
    monkeypatch.setattr(declared, "schedule_params", {"items": 3})
    yield declared
    counted()


@pytest.fixture
def declare(operation: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Declares it otherwise."""

    def say(**attributes: Any) -> None:
        for name, value in attributes.items():
            monkeypatch.setattr(operation, name, value)

    return say


def look() -> None:
    """As a process that has just been started."""
    assert Timetable().look()


def sleep(time_passes: timedelta) -> None:
    """A worker looks, and none is there for this time."""
    look()
    turn_clock(time_passes)


def last() -> LastTick:
    return LastTick.objects.get(operation=LEDGER)


def test_a_tick_starts_a_run_with_the_declared_parameters_that_is_nobodys(operation: Any) -> None:
    sleep(2 * A_WHILE)

    look()

    run = Run.objects.get()
    assert (run.operation, run.started_by, run.params["items"]) == (LEDGER, None, 3)
    assert (last().run, last().missed) == (run.pk, None)
    assert drive(run).state == "succeeded"


@pytest.mark.once
def test_a_schedule_that_is_new_starts_nothing_for_the_time_before(operation: Any) -> None:
    look()
    look()

    assert not Run.objects.exists()
    assert last().missed is None


def test_of_many_workers_that_look_at_once_one_starts_the_run(declare: Any) -> None:
    declare(on_conflict="allow")
    sleep(2 * A_WHILE)

    together(look)

    assert Run.objects.count() == 1
    assert last().run == Run.objects.get().pk


def test_a_tick_that_has_had_its_run_starts_none_though_nothing_else_remembers_it(operation: Any) -> None:
    sleep(2 * A_WHILE)
    look()
    drive(Run.objects.get())
    LastTick.objects.update(tick=F("tick") - DAY // timedelta(milliseconds=1), run=None)  # killed before it was noted

    look()

    assert last().run == Run.objects.get().pk


@pytest.mark.usefixtures("operation")
@pytest.mark.once
def test_nobody_is_asked_before_a_tick_is_due() -> None:
    timetable = Timetable()
    timetable.look()

    with CaptureQueriesContext(connection) as asked:
        assert not timetable.look()

    assert len(asked) == 0


@pytest.mark.once
def test_without_a_schedule_nothing_is_asked_but_the_time() -> None:
    with CaptureQueriesContext(connection) as asked:
        look()
    assert not ticks.scheduled()
    assert len(asked) == 1


def test_a_clock_that_is_set_forward_or_a_machine_that_slept_asks_the_database(
    operation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    timetable = Timetable()
    timetable.look()
    monkeypatch.setattr(ticks, "CLOCKS", (time.monotonic, lambda: time.time() + 86_400))

    assert timetable.look()

    assert not Run.objects.exists()  # the database's own clock says that it is no time yet


def test_a_clock_that_is_set_back_fires_nothing_twice(operation: Any) -> None:
    sleep(2 * A_WHILE)
    look()
    drive(Run.objects.get())

    turn_clock(-HOUR)
    look()
    turn_clock(HOUR)
    look()

    assert Run.objects.count() == 1
    assert last().missed is None


@pytest.mark.parametrize(("missed", "made_up_for"), [("once", 1), ("never", 0)])
def test_what_was_missed_while_no_worker_was_there_is_made_up_for_once_or_never(
    declare: Any, missed: str, made_up_for: int
) -> None:
    declare(missed=missed, schedule=cron(2 * MINUTE))
    sleep(3 * DAY)

    look()
    look()

    assert Run.objects.count() == made_up_for
    assert (last().missed, last().lapse) == (last().tick, "no-worker")
    assert bool(last().run) == bool(made_up_for)


@pytest.mark.parametrize("missed", ["once", *once("never")])
def test_a_tick_within_a_minute_is_on_time_and_stands_for_what_was_missed_before(declare: Any, missed: str) -> None:
    declare(missed=missed, on_conflict="allow")
    sleep(3 * DAY)

    look()

    assert Run.objects.count() == 1
    assert last().lapse == "no-worker"
    assert last().tick - (last().missed or 0) == DAY // timedelta(milliseconds=1)


def test_each_tick_on_time_has_its_own_start(declare: Any) -> None:
    declare(schedule="* * * * * *", on_conflict="allow")
    sleep(5 * SECOND)

    look()

    assert Run.objects.count() in (5, 6)
    assert Run.objects.count() == IdempotencyKey.objects.count()


def test_a_tick_while_the_last_run_is_live_joins_it(operation: Any) -> None:
    run = runs.start(LEDGER, {"items": 3}).run
    sleep(2 * A_WHILE)

    look()

    assert Run.objects.get() == run
    assert (last().run, last().missed) == (run.pk, None)


def test_a_run_with_other_parameters_is_in_the_way_and_the_tick_is_passed_over(operation: Any) -> None:
    in_the_way = runs.start(LEDGER, {"items": 3, "work_us": 1}).run
    sleep(2 * A_WHILE)

    look()
    drive(in_the_way)
    look()

    assert Run.objects.get() == in_the_way
    assert (last().run, last().missed, last().lapse) == (None, last().tick, "in-the-way")


def test_where_one_is_rejected_the_simultaneous_looks_still_find_the_ticks_run(declare: Any) -> None:
    declare(on_conflict="reject")
    sleep(2 * A_WHILE)

    together(look)

    assert (last().run, last().missed) == (Run.objects.get().pk, None)


def test_where_one_is_rejected_simultaneous_starts_with_one_key_get_its_run(declare: Any) -> None:
    declare(on_conflict="reject")
    for attempt in range(5):
        found: list[Any] = []
        key = f"start-number-{attempt}"
        together(lambda key=key, found=found: found.append(runs.start(LEDGER, {"items": 3}, idempotency_key=key).run))  # type: ignore[misc]
        assert len(found) == 8
        assert len(set(found)) == 1
        drive(found[0])


def test_under_queue_a_tick_stands_behind_the_live_run(declare: Any) -> None:
    declare(on_conflict="queue")
    live = runs.start(LEDGER, {"items": 3}).run
    sleep(2 * A_WHILE)

    look()

    queued = Run.objects.exclude(pk=live.pk).get()
    assert (queued.state, last().run) == ("waiting", queued.pk)


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> Iterator[Callable[[], tuple[list[str], list[str]]]]:
    """told(): the events in the log, and the dispositions of starts that were announced."""
    answers: list[str] = []

    def hear(disposition: str, **kwargs: Any) -> None:
        answers.append(disposition)

    start_answered.connect(hear)
    with caplog.at_level(logging.INFO, logger=ticks.__name__):
        yield lambda: ([record.getMessage().split()[0] for record in caplog.records], answers)
    start_answered.disconnect(hear)


CAME_OF_IT: dict[str, tuple[dict[str, Any], dict[str, Any] | None, str, list[str]]] = {
    "a run": ({}, None, "event=tick", ["created"]),
    "a run that is joined": ({}, {"items": 3}, "event=tick-joined", ["joined"]),
    "another in the way": ({}, {"items": 3, "work_us": 1}, "event=tick-without-run", ["refused"]),
    "a form that refuses": ({"schedule_params": {"items": -1}}, None, "event=tick-without-run", []),
}


@pytest.mark.parametrize(("declared", "live", "event", "answers"), CAME_OF_IT.values(), ids=CAME_OF_IT)
def test_of_all_workers_that_see_a_tick_one_tells_what_came_of_it(
    declare: Any, told: Any, declared: Any, live: Any, event: str, answers: list[str]
) -> None:
    declare(**declared)
    if live:
        runs.start(LEDGER, live)
        told()[1].clear()
    sleep(2 * A_WHILE)

    together(look)

    assert told() == ([event], answers)


def test_of_all_workers_one_says_that_a_tick_was_missed(declare: Any, told: Any) -> None:
    declare(missed="never", schedule=cron(2 * MINUTE))
    sleep(3 * DAY)

    together(look)

    assert told() == (["event=tick-missed"], [])


def test_an_operation_whose_form_meets_a_fault_of_the_database_holds_up_no_other(
    operation: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(forms.Form):
        def clean(self) -> None:
            raise ProgrammingError("no such table")

    first = registry.get(ticks_of := "tests.rebuild")
    monkeypatch.setattr(first, "schedule", operation.schedule)
    monkeypatch.setattr(first, "form", Broken)
    monkeypatch.setattr(ticks, "scheduled", lambda: [first, operation])
    sleep(2 * A_WHILE)

    for _ in range(2):
        with pytest.raises(ProgrammingError, match="no such table"):
            look()

    assert [run.operation for run in Run.objects.all()] == [LEDGER]
    assert LastTick.objects.get(operation=ticks_of).missed is None, "and it is tried again"


@pytest.mark.once
def test_what_its_form_refuses_is_noted_and_not_tried_again(declare: Any, caplog: pytest.LogCaptureFixture) -> None:
    declare(schedule_params={"items": -1})
    sleep(2 * A_WHILE)

    with caplog.at_level(logging.ERROR):
        look()
        look()

    assert (last().missed, last().lapse) == (last().tick, "failed")
    assert [record.getMessage().split(" tick=")[0] for record in caplog.records] == [
        f"event=tick-without-run operation={LEDGER}"
    ]


@pytest.mark.once
def test_a_changed_schedule_has_missed_nothing(declare: Any) -> None:
    sleep(3 * DAY)
    declare(schedule=cron(2 * A_WHILE))

    look()

    assert not Run.objects.exists()
    assert last().missed is None


def test_while_a_deploy_replaces_workers_those_of_both_sides_start_what_they_know(declare: Any) -> None:
    old, new = Timetable(), Timetable()
    for process, schedule in ((old, "*/2 * * * * *"), (new, "1-59/2 * * * * *")):
        declare(schedule=schedule, on_conflict="allow")
        process.look()
    give_up = time.monotonic() + 30
    while Run.objects.count() < 4 and time.monotonic() < give_up:
        for process, schedule in ((old, "*/2 * * * * *"), (new, "1-59/2 * * * * *")):
            declare(schedule=schedule)
            process.look()

    seconds = seconds_of(keys())
    assert seconds == list(range(seconds[0], seconds[0] + 4))


def test_an_older_deploys_start_of_the_tick_counts_whatever_the_parameters_are_now(declare: Any) -> None:
    sleep(2 * A_WHILE)
    look()
    drive(Run.objects.get())
    declare(schedule_params={"items": 4})
    LastTick.objects.update(tick=F("tick") - 60_000)

    look()

    assert Run.objects.count() == 1
    assert last().missed is None


def test_no_caller_can_have_a_ticks_key(operation: Any) -> None:
    sleep(2 * A_WHILE)
    look()
    (key,) = keys()
    assert not KEY.fullmatch(key)


def test_the_key_is_of_the_oldest_name_so_that_a_deploy_that_renames_starts_nothing_twice(declare: Any) -> None:
    sleep(2 * A_WHILE)
    look()
    drive(fresh(Run.objects.get()))

    declare(name="tests.renamed", aliases=(LEDGER,))
    LastTick.objects.update(tick=F("tick") - 60_000)
    look()

    assert Run.objects.count() == 1


def keys() -> list[str]:
    return list(IdempotencyKey.objects.values_list("key", flat=True))


def seconds_of(names: list[str]) -> list[int]:
    return sorted(round(datetime.fromisoformat(name.split()[-1]).timestamp()) for name in names)


def together(act: Callable[[], None], count: int = 8) -> None:
    """In so many threads at once."""
    gate, wrong = threading.Barrier(count), []

    def run() -> None:
        try:
            gate.wait()
            act()
        except BaseException as error:
            wrong.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
