"""A run in several parts: one run, one progress, one end; and nothing in which its workers wait for each other."""

import re
from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from headway import Reject, Stop, runner, runs
from headway.models import ItemOutcome, Part, Run
from headway.models.part import AT_ONCE_MS, SPACING_MS
from headway.signals import parts_due
from headway.snapshots import snapshot
from headway.store.parts import leases
from headway.store.parts.candidates import ANYBODYS
from tests.app.driving import after_items, claim, counted, drive, expire, fresh, start, work
from tests.app.models import LedgerEntry, Thing
from tests.app.scripted import ScriptedInParts
from tests.app.sources import Numbers, Whole

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]
ITEMS = 40
OPERATION = "tests.write_in_parts"


def planned(**given: Any) -> Run:
    """A run of four parts, of which the first has done one of its ten items; nobody owns any."""
    run = start(OPERATION, items=ITEMS, **given)
    work(claim(run), should_stop=after_items())
    return run


def entries() -> Counter[str]:
    return Counter(LedgerEntry.objects.values_list("item", flat=True))


def each_once(items: int = ITEMS) -> Counter[str]:
    return Counter(str(number) for number in range(items))


def parts_of(run: Run) -> list[Part]:
    return list(Part.objects.filter(run=run, kind="items").order_by("id"))


def test_a_run_in_parts_has_one_progress_and_one_end(script: Script) -> None:
    ended = []
    script |= {"items": lambda: Numbers(10), "on_finish": lambda: ended.append(len(entries())) or "done"}
    run = drive(start("tests.scripted_in_parts"))
    counted()

    shown = snapshot(run.pk)
    assert [(part.bounds, part.succeeded) for part in parts_of(run)] == [
        ({"first": 0, "n": 5}, 5),
        ({"first": 5, "n": 10}, 5),
    ]
    assert (run.state, run.result, run.total, run.parts_left) == ("succeeded", "done", 10, 0)
    assert (shown["progress"]["processed"], shown["progress"]["percent"]) == (10, 100.0)
    assert ended == [10]
    assert entries() == each_once(10)


@pytest.mark.once
def test_planning_tells_the_engine_how_many_more_can_be_claimed() -> None:
    heard = []

    def hear(operation: str, parts: int, **_: Any) -> None:
        heard.append((operation, parts))

    parts_due.connect(hear)
    try:
        run = start(OPERATION, items=ITEMS)
        work(claim(run), should_stop=after_items())
    finally:
        parts_due.disconnect(hear)
    assert heard == [(OPERATION, 1), (OPERATION, 3)]
    assert [part.due is not None for part in parts_of(run)] == [True] * 4


def test_as_many_workers_as_there_are_parts_can_own_one_each() -> None:
    run = planned()
    owned = [claim(run, f"worker-{number}") for number in range(4)]
    assert len({part.pk for part in owned}) == 4
    assert leases.claim("fifth", 1) is None
    for part in owned:
        assert work(part) is runner.Ending.DONE
    assert fresh(run).state == "succeeded"
    assert entries() == each_once()


def test_a_checkpoint_writes_to_its_own_part_and_to_nothing_that_parts_share() -> None:
    run = planned(reject="2,12,22,32")
    counted()
    part = claim(run)
    with CaptureQueriesContext(connection) as queries:
        work(part, should_stop=after_items(9))
    counted()

    written = [query["sql"] for query in queries if re.match("INSERT|UPDATE|DELETE", query["sql"])]
    updated = [sql for sql in written if sql.startswith("UPDATE")]
    assert {re.match(r'(?:INSERT INTO|UPDATE|DELETE FROM) "(\w+)"', sql)[1] for sql in written} == {  # type: ignore[index]
        "app_ledgerentry",
        "headway_itemoutcome",
        "headway_part",
    }
    assert all(f'"headway_part"."id" = ({part.pk})' in sql for sql in updated)
    assert not any("FOR NO KEY UPDATE" in query["sql"] for query in queries)


def test_the_total_is_counted_over_the_parts_by_the_owner_of_the_first_that_is_open() -> None:
    run = start(OPERATION, items=ITEMS)
    Run.objects.filter(pk=run.pk).update(total=0)  # so that planning doesn't count
    work(claim(run), should_stop=after_items())
    Run.objects.filter(pk=run.pk).update(total=None)
    first, second, *_ = parts_of(run)
    Part.objects.filter(run=run).exclude(pk=second.pk).update(due=1 << 50)
    work(claim(run), should_stop=after_items())
    counted()
    assert fresh(run).total is None
    Part.objects.filter(pk=first.pk).update(due=1)
    Part.objects.filter(pk=second.pk).update(due=1 << 50)
    work(claim(run), should_stop=after_items())
    counted()
    assert fresh(run).total == ITEMS


def test_the_rate_is_the_sum_over_the_parts() -> None:
    run = planned()
    Run.objects.filter(pk=run.pk).update(total=4_000)
    now = Part.objects.filter(run=run)[0].changed
    Part.objects.filter(run=run).update(pace=[[now - 60_000, 0], [now, 600]], succeeded=600)
    progress = snapshot(run.pk)["progress"]
    assert progress["processed"] == 2_400
    assert 30 < progress["rate"] <= 40
    assert 40 <= progress["eta_seconds"] < 60


@pytest.mark.parametrize(("wish", "meanwhile", "then"), [
    (runs.pause, "pausing", "paused"),
    (runs.cancel, "cancelling", "cancelled"),
])  # fmt: skip
def test_a_run_rests_when_the_last_owner_has_yielded(wish: Any, meanwhile: str, then: str) -> None:
    run = planned()
    one, other = claim(run, "one"), claim(run, "other")
    wish(run)
    work(one)
    assert fresh(run).state == meanwhile
    work(other)
    assert fresh(run).state == then
    assert set(entries().values()) == {1}
    assert leases.claim("third", 1) is None


def test_a_paused_run_goes_on_with_every_part_that_is_not_closed() -> None:
    run = planned()
    work(claim(run))  # one part to its end
    runs.pause(run)
    heard: list[int] = []
    parts_due.connect(hear := lambda parts, **_: heard.append(parts), weak=False)
    try:
        runs.resume(run)
    finally:
        parts_due.disconnect(hear)
    assert heard == [3]
    assert drive(run).state == "succeeded"
    assert entries() == each_once()


def test_a_stop_in_one_part_ends_the_run_when_the_others_have_yielded(script: Script) -> None:
    def stop(operation: Any, number: int) -> None:
        if number == 7:
            raise Stop("Enough.")

    script |= {"items": lambda: Numbers(10), "before": stop}
    run = start("tests.scripted_in_parts")
    work(claim(run), should_stop=after_items())
    second = next(part for part in (claim(run, "one"), claim(run, "other")) if part.bounds["first"] == 5)
    work(second)
    assert fresh(run).state == "running"
    work(Part.objects.select_related("run").get(run=run, token__isnull=False))
    assert (fresh(run).state, fresh(run).reason_text) == ("failed", "Enough.")
    assert entries() == Counter(["0", "5", "6"])


def test_failures_of_all_parts_are_one_list_and_one_summary_and_are_retried_in_parts() -> None:
    failing = "1,2,11,12,21,22,31,32"
    run = drive(start(OPERATION, items=ITEMS, fail=failing))
    assert run.state == "partial"
    assert snapshot(run.pk)["failure_summary"] == [{"code": "bad-value", "count": 8}]

    again = runs.retry(run).run
    work(claim(again), should_stop=after_items())
    assert [part.retries_id for part in parts_of(again)] == [run.pk] * 4
    again = drive(again)
    counted()

    assert (again.state, again.total) == ("failed", 8)
    assert [part.failed for part in parts_of(again)] == [2, 2, 2, 2]
    assert set(ItemOutcome.objects.filter(run=again).values_list("key", flat=True)) == set(failing.split(","))
    assert entries() == each_once() - Counter(failing.split(","))


def test_a_retry_of_fewer_failures_than_parts_has_no_empty_part() -> None:
    run = drive(start(OPERATION, items=ITEMS, fail="3,33"))
    again = runs.retry(run).run
    work(claim(again), should_stop=after_items())
    assert len(parts_of(again)) == 2
    assert drive(again).total == 2


def test_what_a_cancelled_run_left_in_each_part_is_retried() -> None:
    run = planned()
    for _ in range(2):
        work(claim(run), should_stop=after_items(3))
    runs.cancel(run)
    done = len(entries())
    again = drive(runs.retry(run).run)
    counted()
    assert (again.state, again.total) == ("succeeded", ITEMS - done)
    assert entries() == each_once()


def test_a_take_over_is_careful_in_its_own_part_only() -> None:
    run = planned()
    dead = claim(run, "dead")
    expire(dead)
    expire(claim(run, "dead as well"))
    successor = claim(run, "second")
    sibling = claim(run, "third")
    assert (successor.pk, successor.careful > 0, sibling.careful) == (dead.pk, True, 0)
    work(successor)
    work(sibling)
    assert drive(run).state == "succeeded"
    assert snapshot(run.pk)["resumes"] == 2
    assert entries() == each_once()


def test_parts_of_one_run_do_not_wait_for_each_other_but_for_one_whose_owner_is_gone() -> None:
    run = planned()
    part = claim(run)
    assert leases.look(part).least_served_ms is None
    gone = claim(run, "gone")
    expire(gone)
    assert leases.look(part).least_served_ms == AT_ONCE_MS
    work(claim(run, "successor"))
    assert leases.look(part).least_served_ms is None
    start(items=3)
    assert leases.look(part).least_served_ms == 0


def test_a_run_that_has_never_begun_goes_before_the_many_parts_of_one_that_has() -> None:
    run = planned()
    assert [part.number for part in parts_of(run)] == [0, 1, 2, 3]
    assert [part.served_ms - part.worked_ms for part in parts_of(run)] == [
        0,
        SPACING_MS,
        2 * SPACING_MS,
        3 * SPACING_MS,
    ]
    Part.objects.filter(run=run).update(due=1, worked_ms=1)
    short = start(items=3)
    assert Part.objects.get(pk=ANYBODYS.first(1)[0].id).run_id == short.pk


def test_a_poison_item_is_left_out_of_its_part_and_costs_no_other() -> None:
    run = planned()
    Part.objects.filter(pk=parts_of(run)[2].pk).update(deaths=2)
    run = drive(run)
    assert run.state == "partial"
    assert list(ItemOutcome.objects.values_list("key", "code")) == [("20", "worker-died")]
    assert entries() == each_once() - Counter(["20"])


def test_verdicts_are_written_down_in_every_part(script: Script) -> None:
    def refuse(operation: Any, number: int) -> None:
        if number % 5 == 1:
            raise Reject("refused", "No.")

    script |= {"items": lambda: Numbers(20), "before": refuse}
    run = drive(start("tests.scripted_in_parts"))
    assert [part.failures for part in parts_of(run)] == [{"refused": 2}, {"refused": 2}]


@pytest.mark.once
def test_an_empty_source_is_one_part_that_ends_the_run(script: Script) -> None:
    script["items"] = lambda: Numbers(0)
    run = drive(start("tests.scripted_in_parts"))
    assert (run.state, len(parts_of(run))) == ("succeeded", 1)


def test_a_queryset_and_a_selection_are_worked_in_parts() -> None:
    Thing.objects.bulk_create(Thing(name="chosen", code=f"c-{number}") for number in range(30))
    for operation in ("tests.touch_in_parts", "tests.touch_selected_in_parts"):
        run = drive(start(operation))
        counted()
        assert (run.state, run.total, len(parts_of(run))) == ("succeeded", 30, 4)
    assert set(entries().values()) == {2}
    assert len(entries()) == 30


@pytest.mark.once
def test_a_source_that_can_not_be_split_pauses_the_run_until_it_is_mended(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    script["items"] = lambda: Whole(5)
    run = drive(start("tests.scripted_in_parts"))
    assert (run.state, run.reason_code) == ("paused", "operation-error")
    assert run.reason_text == (
        "Its source, a Whole, can't be split into 2 parts: leave `parts` out. Mend it, then resume; nothing is lost."
    )
    monkeypatch.setattr(ScriptedInParts, "parts", 1)
    runs.resume(run)
    assert drive(run).state == "succeeded"


@pytest.mark.once
def test_a_source_that_splits_into_too_many_is_refused(script: Script, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Numbers, "split", lambda self, bounds, n: [bounds] * 3)
    run = drive(start("tests.scripted_in_parts"))
    assert run.reason_text.startswith("Its source, a Numbers, has split into 3 parts; asked for were 1 to 2.")
    assert not LedgerEntry.objects.exists()
