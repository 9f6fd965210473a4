"""Items that others add on the way: durable, each key once, whatever way they are done."""

from collections import Counter
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from headway import Reject, Stop, TryAgain, runs, sources
from headway.models import Discovery, ItemOutcome, Part, Run
from headway.snapshots import snapshot
from headway.testing import end_waits
from tests.app.driving import after_items, claim, counted, drive, expire, fresh, start, work
from tests.app.models import LedgerEntry, Tagged, Thing
from tests.app.sources import Numbers

pytestmark = pytest.mark.django_db(transaction=True)

Script = dict[str, Any]
WAYS = ["", "_prepared", "_in_sets", "_outside"]
GRAPH = {"a": ["b", "c"], "b": ["a", "d", "d"], "c": ["d", "b"], "d": ["a"]}

every_way = pytest.mark.parametrize("way", WAYS)


def done(run: Run) -> Counter[str]:
    return Counter(LedgerEntry.objects.filter(run=run.pk).values_list("item", flat=True))


def once(*keys: str) -> Counter[str]:
    return Counter(keys)


def progress(run: Run) -> dict[str, Any]:
    counted()
    shown: dict[str, Any] = snapshot(run.pk)["progress"]
    return shown


@every_way
def test_each_key_is_done_once_however_often_it_is_found(script: Script, way: str) -> None:
    script["links"] = GRAPH
    run = drive(start(f"tests.scripted_walk{way}"))
    assert run.state == "succeeded"
    assert done(run) == once("a", "b", "c", "d")
    assert (progress(run)["total"], progress(run)["total_exact"], progress(run)["percent"]) == (4, True, 100.0)


@every_way
def test_a_chain_in_which_each_item_adds_the_next_needs_no_pass_for_each(script: Script, way: str) -> None:
    script["links"] = {str(number): [number + 1] for number in range(29)}
    script["items"] = lambda: sources.roots(0)
    run = drive(start(f"tests.scripted_walk{way}"))
    assert done(run) == once(*map(str, range(30)))
    assert run.parts.get().phase == 1


@every_way
def test_what_an_item_adds_that_fails_is_not_added(script: Script, way: str) -> None:
    script["links"] = {"a": ["b", "c"], "b": ["lost"], "c": ["found"]}

    def fail(operation: Any, key: Any) -> None:
        if "b" in key:
            raise ValueError("no")

    script["after"] = script["chunk"] = fail
    run = drive(start(f"tests.scripted_walk{way}"))
    assert (run.state, snapshot(run.pk)["progress"]["total"]) == ("partial", 4)
    assert not Discovery.objects.filter(key="lost").exists()
    assert {"a", "c", "found"} <= done(run).keys()


def test_a_clean_reject_takes_back_what_its_item_has_added(script: Script) -> None:
    script["links"] = {"a": ["b"]}

    def refuse(operation: Any, key: str) -> None:
        raise Reject("no")

    script["after"] = refuse
    run = drive(start("tests.scripted_walk"))
    assert (run.state, run.total, Discovery.objects.filter(part__isnull=False).count()) == ("failed", 1, 0)


def test_an_item_that_is_tried_again_adds_once_it_succeeds(script: Script) -> None:
    script["links"] = {"a": ["b", "c"], "b": ["d"]}
    tries: Counter[str] = Counter()

    def after(operation: Any, key: str) -> None:
        tries[key] += 1
        if key == "b" and operation.attempt < 2:
            raise ConnectionError

    script["after"] = after
    run = drive(start("tests.scripted_walk"))
    assert (run.state, progress(run)["retrying"], done(run)) == ("running", 1, once("a", "c"))
    end_waits()
    run = drive(run)
    assert (run.state, run.total) == ("succeeded", 1)  # beside it the three that were added
    assert (done(run), progress(run)["total"]) == (once("a", "b", "c", "d"), 4)
    assert tries["d"] == 1


@pytest.mark.once
def test_an_item_that_is_to_be_tried_again_adds_nothing_until_then(script: Script) -> None:
    script["links"] = {"a": ["b"]}

    def after(operation: Any, key: str) -> None:
        if key == "a":
            raise TryAgain(after=60)

    script["after"] = after
    run = drive(start("tests.scripted_walk"))
    assert not Discovery.objects.filter(key="b").exists()
    assert (run.state, progress(run)["total"]) == ("running", 1)


def test_a_key_in_the_sources_own_range_is_not_done_a_second_time(script: Script) -> None:
    things = [Thing.objects.create(name="root" if number < 3 else "leaf", code=str(number)) for number in range(6)]
    keys = [str(thing.pk) for thing in things]
    script["links"] = dict.fromkeys(keys, keys)
    run = drive(start("tests.scripted_walk_of_things"))
    assert run.state == "succeeded"
    assert done(run) == once(*keys)
    assert progress(run)["total"] == 6


def test_a_key_that_the_database_writes_in_another_way_is_the_same_key(script: Script) -> None:
    tagged = [Tagged.objects.create() for _ in range(3)]
    script["items"] = lambda: sources.selection(Tagged.objects.all())
    script["links"] = {str(row.pk): [each.pk for each in tagged] for row in tagged}
    run = drive(start("tests.scripted_walk"))
    assert (run.state, done(run)) == ("succeeded", once(*(str(row.pk) for row in tagged)))


@pytest.mark.once
def test_a_list_can_be_the_beginning(script: Script) -> None:
    script["items"] = lambda: [30, 10, 20]
    script["links"] = {"30": ["10", "20", "30"], "10": [40]}
    run = drive(start("tests.scripted_walk"))
    assert (run.state, done(run)) == ("succeeded", once("30", "10", "20"))
    assert dict(ItemOutcome.objects.filter(run=run).values_list("key", "code")) == {"40": "gone"}  # no list has it


def test_a_row_that_is_added_and_not_there_is_skipped_as_gone(script: Script) -> None:
    root = Thing.objects.create(name="root", code="root")
    script["links"] = {str(root.pk): [root.pk + 1000, "never"]}
    run = drive(start("tests.scripted_walk_of_things"))
    assert run.state == "succeeded"
    assert dict(ItemOutcome.objects.filter(run=run).values_list("key", "code")) == {
        str(root.pk + 1000): "gone",
        "never": "gone",
    }


@pytest.mark.once
def test_a_source_that_cannot_tell_its_keys_pauses_the_run_and_says_what_to_use(script: Script) -> None:
    script["items"] = lambda: Numbers(3)
    run = drive(start("tests.scripted_walk"))
    assert (run.state, run.reason_code) == ("paused", "operation-error")
    assert "Use sources.roots or sources.selection" in run.reason_text
    assert not done(run)


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("x" * 256, "of 256 characters"),
        ("", "of 0 characters"),
        ("a\0b", "no database keeps"),
        ("\udcff", "no database keeps"),
        (3.5, "which is of type float"),
        (None, "which is of type NoneType"),
    ],
)
def test_what_cannot_be_a_key_fails_its_item_and_says_why(script: Script, key: Any, said: str) -> None:
    script["links"] = {"a": ["b", "c"], "b": ["d", key]}
    run = drive(start("tests.scripted_walk"))
    failed = ItemOutcome.objects.get(run=run)
    assert (failed.key, failed.code, done(run)) == ("b", "bad-key", once("a", "c"))
    assert said in failed.text


@pytest.mark.once
def test_one_key_alone_is_a_key_and_no_row_of_letters(script: Script) -> None:
    script["links"] = {"a": "page"}
    run = drive(start("tests.scripted_walk"))
    assert done(run) == once("a", "page")


@pytest.mark.once
def test_bytes_are_no_key_and_no_row_of_numbers(script: Script) -> None:
    script["links"] = {"a": b"page"}
    run = drive(start("tests.scripted_walk"))
    failed = ItemOutcome.objects.get(run=run)
    assert (failed.key, failed.code, done(run)) == ("a", "bad-key", once())
    assert "gave b'page' as a key, which is of type bytes." in failed.text


@pytest.mark.once
def test_without_the_declaration_nothing_is_added(script: Script) -> None:
    script["after"] = lambda operation, number: operation.add("x")
    run = drive(start("tests.scripted"))
    assert "add() needs discovers = True" in ItemOutcome.objects.filter(run=run)[0].detail


@pytest.mark.once
def test_an_operation_that_adds_nothing_asks_the_database_nothing_more(script: Script) -> None:
    script["items"] = lambda: Numbers(50)
    with CaptureQueriesContext(connection) as asked:
        drive(start("tests.scripted"))
    assert not [query for query in asked if "headway_discovery" in query["sql"]]


def test_very_many_keys_are_added_by_statements_of_a_bounded_size(script: Script) -> None:
    script["links"] = {"a": range(100_000)}
    run = start("tests.scripted_walk")
    claimed = claim(run)
    with CaptureQueriesContext(connection) as asked:
        work(claimed, after_items(1))
    assert Part.objects.get(run=run).added == 100_000
    inserts = [query for query in asked if "INSERT INTO" in query["sql"] and "headway_discovery" in query["sql"]]
    assert len(inserts) == 1 + 100_000 // 5_000  # the root's own, before
    runs.cancel(run)


@pytest.mark.once
def test_a_chunk_that_adds_very_much_ends_early(script: Script) -> None:
    script["items"] = lambda: sources.roots(range(100))
    script["links"] = {str(number): [f"{number}.{each}" for each in range(600)] for number in range(100)}
    run = start("tests.scripted_walk")
    work(claim(run), after_items(1))
    part = claim(run)
    seq, before = part.seq, part.succeeded
    work(part, after_items(10))
    part = Part.objects.get(run=run)
    assert part.succeeded - before >= 6
    assert part.seq - seq > (part.succeeded - before) // 2  # at most two of them a chunk
    runs.cancel(run)


def test_a_dry_run_judges_what_was_added_too(script: Script) -> None:
    script["links"] = GRAPH
    run = drive(runs.start("tests.scripted_walk", dry_run=True).run)
    assert (run.state, progress(run)["succeeded"], done(run)) == ("succeeded", 4, once())


# While it lasts, and how it ends


def test_while_it_lasts_its_total_is_what_is_known_so_far(script: Script) -> None:
    script["links"] = {"a": ["b", "c", "d"]}
    run = start("tests.scripted_walk")
    work(claim(run), after_items(1))
    shown = progress(run)
    assert (shown["processed"], shown["total"], shown["total_exact"], shown["percent"]) == (1, 4, False, None)
    run = drive(run)
    shown = progress(run)
    assert (shown["processed"], shown["total"], shown["total_exact"], shown["percent"]) == (4, 4, True, 100.0)


@pytest.mark.once
def test_a_cancelled_run_says_that_there_may_be_more(script: Script) -> None:
    script["links"] = {"a": ["b", "c", "d"]}
    run = start("tests.scripted_walk")
    work(claim(run), after_items(1))
    counted()
    runs.cancel(run)
    shown = progress(drive(run))
    assert (shown["total"], shown["total_exact"], shown["percent"]) == (4, False, None)


def test_a_pause_and_a_resume_lose_nothing_that_was_added(script: Script) -> None:
    script["links"] = GRAPH
    run = start("tests.scripted_walk")
    work(claim(run), after_items(1))
    runs.pause(run)
    assert fresh(run).state == "paused"
    runs.resume(run)
    run = drive(run)
    assert (run.state, done(run)) == ("succeeded", once("a", "b", "c", "d"))


def test_a_worker_that_was_fenced_has_added_nothing(script: Script) -> None:
    script["links"] = {"a": ["mine"]}
    run = start("tests.scripted_walk")
    stale = claim(run)

    def lose(operation: Any, key: str) -> None:
        script["links"], script["after"] = {"a": ["theirs"]}, lambda operation, key: None
        Part.objects.filter(pk=stale.pk).update(token=1)

    script["after"] = lose
    work(stale)
    expire(stale)
    assert done(drive(run)) == once("a", "theirs")


# In parts


def test_a_key_that_two_parts_add_is_done_by_one_of_them(script: Script) -> None:
    script["items"] = lambda: sources.roots(["a", "b"])
    script["links"] = {"a": ["c", "b", "d"], "b": ["d", "a", "c"], "c": ["d"]}
    run = drive(start("tests.scripted_walk_in_parts"))
    assert run.parts.filter(kind="items").count() == 2
    assert (run.state, done(run), progress(run)["total"]) == ("succeeded", once("a", "b", "c", "d"), 4)


# Retries


def test_a_retry_does_what_failed_and_what_was_not_reached_and_nothing_that_is_done(script: Script) -> None:
    script["links"] = GRAPH | {"d": ["a", "e"]}

    def after(operation: Any, key: str) -> None:
        if key == "b":
            raise Reject("not-now")
        if key == "c":
            raise Stop("enough")

    script["after"] = after
    first = drive(start("tests.scripted_walk"))
    assert (first.state, done(first)) == ("failed", once("a"))

    del script["after"]
    second = drive(runs.retry(first).run)
    assert second.state == "succeeded"
    assert done(second) == once("b", "c", "d", "e")  # not `a`, to which they lead
    assert progress(second)["total"] == 4


def test_what_a_retry_left_of_what_was_added_is_retried(script: Script) -> None:
    script["links"] = {"a": ["b", "c", "d", "e"]}
    script["after"] = lambda operation, key: stop_at(key, "c")
    first = drive(start("tests.scripted_walk"))
    script["after"] = lambda operation, key: stop_at(key, "d")
    second = drive(runs.retry(first).run)
    del script["after"]
    third = drive(runs.retry(second).run)
    assert [done(run) for run in (first, second, third)] == [once("a", "b"), once("c"), once("d", "e")]
    assert (third.state, progress(third)["total"]) == ("succeeded", 2)


def stop_at(key: str, last: str) -> None:
    if key == last:
        raise Stop("enough")


@pytest.mark.once
def test_a_run_that_ended_with_all_it_knew_done_has_nothing_to_retry(script: Script) -> None:
    script["links"] = GRAPH
    run = drive(start("tests.scripted_walk"))
    assert "retry" not in snapshot(run.pk)["actions"]


@pytest.mark.once
def test_a_resume_after_too_many_failures_goes_on_with_what_is_new(script: Script) -> None:
    script["links"] = {"a": [f"b{number:02}" for number in range(60)]}

    def after(operation: Any, key: str) -> None:
        if key != "a" and script.get("broken", True):
            raise ValueError("renamed")

    script["after"] = after
    run = drive(start("tests.scripted_walk"))
    script["broken"] = False
    run = drive(runs.retry(run).run) if run.is_done else run
    assert run.state == "succeeded"
    assert sum(done(run).values()) == 60


def test_outside_what_was_under_way_at_the_end_leaves_nothing_counted_twice(script: Script) -> None:
    script["links"] = {"a": ["b", "c", "d", "e"]}
    script["after"] = lambda operation, key: stop_at(key, "c")
    run = drive(start("tests.scripted_walk_outside"))
    part = run.parts.get()
    assert run.state == "failed"
    assert (part.retrying, part.failed) == (0, ItemOutcome.objects.filter(run=run, state="failed").count())
    del script["after"]
    again = drive(runs.retry(run).run)
    assert {*done(run), *done(again)} == {"a", "b", "c", "d", "e"}


def test_a_deleted_run_leaves_no_key(script: Script) -> None:
    script["links"] = GRAPH
    run = drive(start("tests.scripted_walk"))
    runs.delete(run)
    assert not Discovery.objects.exists()
