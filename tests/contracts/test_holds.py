"""Names that one run at a time holds: from its first claim to the transaction that ends or pauses it."""

import os
import signal
from collections import defaultdict
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from headway import runs
from headway.errors import InvalidParams, InvalidState
from headway.models import Hold, Part, Run
from headway.operations.context import Context
from headway.snapshots import snapshot
from headway.states import State
from headway.store.parts import leases
from headway.store.parts.candidates import ANYBODYS
from headway.store.upkeep import tidying
from tests.app.driving import WORKER, after_items, claim, drive, expire, fresh, work
from tests.app.gates import Gate
from tests.app.holds import CountStock
from tests.app.ledger import WriteLedger
from tests.app.models import LedgerEntry
from tests.workers import Workers, until, wait_for_end

pytestmark = pytest.mark.django_db(transaction=True)


def start(names: str = "stock", **given: Any) -> Run:
    return runs.start("tests.takes_turns", {"names": names, **given}).run


def held() -> dict[str, Any]:
    return dict(Hold.objects.filter(held__isnull=False).values_list("name", "run_id"))


def next_due() -> Any:
    """The run whose part would be claimed next, claimed."""
    part = leases.claim(WORKER, pick=1)
    return part and part.run_id


def turns(name: str) -> list[Any]:
    """The runs that held the name, in the order of their rows: each once, where they took turns."""
    rows = [row for row in LedgerEntry.objects.order_by("id") if f" {name}=" in row.item]
    return [run for run, _ in groupby(rows, key=lambda row: row.run)]


def fences(name: str) -> dict[Any, set[int]]:
    """Of each run, the numbers of its takings."""
    found = defaultdict(set)
    for row in LedgerEntry.objects.order_by("id"):
        for each in row.item.split()[1:]:
            if each.startswith(f"{name}="):
                found[row.run].add(int(each.partition("=")[2]))
    return found


def test_a_run_begins_once_it_holds_its_names_and_the_next_in_the_transaction_that_ends_it() -> None:
    first, second = start(), start()

    part = claim(first)
    assert next_due() is None
    assert held() == {"stock": first.pk}
    assert (fresh(second).state, fresh(second).started_at) == ("queued", None)
    work(part)

    assert fresh(first).state == "succeeded"
    assert drive(second).state == "succeeded"
    assert turns("stock") == [first.pk, second.pk]
    assert not Hold.objects.exists()


def test_a_run_that_waits_says_for_which_name_and_names_no_other_run() -> None:
    part, second = claim(start("stock,till")), start("stock")
    assert next_due() is None

    told = snapshot(second.pk)
    assert told["state"] == "queued"
    assert told["reason"] == {
        "code": "hold",
        "text": "Another run comes first for “stock”. It goes on by itself after that one.",
    }
    assert str(part.run_id) not in str(told)
    assert snapshot(part.run_id)["reason"] is None


def test_holds_are_all_or_nothing() -> None:
    part, both, other = claim(start("b")), start("a,b"), start("c")

    assert next_due() == other.pk
    assert held() == {"b": part.run_id, "c": other.pk}
    assert fresh(both).state == "queued"


def test_a_run_that_wants_several_names_is_not_overtaken_by_those_who_want_one() -> None:
    part, both = claim(start("b")), start("a,b")
    assert next_due() is None
    later = start("a")
    assert next_due() is None, "it took what the older one waits for"

    work(part)

    assert next_due() == both.pk
    assert next_due() is None
    assert held() == {"a": both.pk, "b": both.pk}
    assert snapshot(later.pk)["reason"]["code"] == "hold"


def test_the_oldest_of_a_line_comes_first() -> None:
    line = [start() for _ in range(5)]
    for run in line:
        drive(run)
    assert turns("stock") == [run.pk for run in line]


def test_a_pause_frees_and_a_resume_waits() -> None:
    first, second = start(), start()
    part = claim(first)
    assert next_due() is None
    runs.pause(first.pk)
    work(part)
    assert fresh(first).state == "paused"

    taken = claim(second)
    runs.resume(first.pk)
    assert next_due() is None
    assert fresh(first).state == "running"
    assert snapshot(first.pk)["reason"]["code"] == "hold"
    work(taken)

    assert drive(first).state == "succeeded"
    assert turns("stock") == [second.pk, first.pk]


def test_a_worker_that_saw_the_run_before_its_pause_does_not_take_it_without_its_holds() -> None:
    first = start()
    leases.release(claim(first))
    [seen] = ANYBODYS.first(pick=1)

    runs.pause(first)
    second = start()
    taken = claim(second)
    runs.resume(first)

    assert leases.take(seen, WORKER) is None
    assert held() == {"stock": second.pk}
    work(taken)
    assert drive(first).state == "succeeded"
    assert turns("stock") == [second.pk, first.pk]


def test_a_run_in_line_may_be_cancelled_and_the_next_one_moves_up() -> None:
    part, second, third = claim(start()), start(), start()
    assert next_due() is None
    runs.cancel(second.pk)
    assert fresh(second).state == "cancelled"
    work(part)
    assert drive(third).state == "succeeded"


def test_a_cancelled_run_in_several_lines_lets_those_behind_it_move_up() -> None:
    part, both, third = claim(start("b")), start("a,b"), start("a")
    assert next_due() is None
    runs.cancel(both.pk)

    assert next_due() == third.pk
    assert held() == {"a": third.pk, "b": part.run_id}


def test_a_run_in_line_may_be_paused_where_it_has_begun() -> None:
    first, second = start(), start()
    part = claim(first)
    runs.pause(first.pk)
    work(part)
    taken = claim(second)
    runs.resume(first.pk)
    assert next_due() is None

    runs.pause(first.pk)
    assert fresh(first).state == "paused"
    work(taken)
    assert next_due() is None
    runs.resume(first.pk)
    assert drive(first).state == "succeeded"


def test_what_a_dead_worker_held_stays_the_runs() -> None:
    part, second = claim(start()), start()
    assert next_due() is None
    fence = Hold.objects.get(held="stock").fence

    expire(part)

    assert next_due() == part.run_id
    assert Hold.objects.get(held="stock").fence == fence
    assert snapshot(second.pk)["reason"]["code"] == "hold"


def test_each_taking_of_a_name_has_a_higher_fence() -> None:
    first, second = start(items=2), start(items=2)
    work(claim(first), should_stop=after_items(1))
    runs.pause(first.pk)
    drive(second)
    runs.resume(first.pk)
    drive(first)

    before, after = sorted(fences("stock")[first.pk])
    (between,) = fences("stock")[second.pk]
    assert before < between < after


def test_a_name_that_the_run_does_not_hold_has_no_fence() -> None:
    with pytest.raises(RuntimeError, match="the run holds nothing yet"):
        CountStock(Context()).fence("shop")
    with pytest.raises(RuntimeError, match=r"declares no holds. Declare holds = \('stock',\)\."):
        WriteLedger(Context()).fence("stock")


def test_a_run_in_parts_and_in_line_of_its_own_operation_holds_too() -> None:
    first = runs.start("tests.count_stock", {"items": 4}).run
    second = runs.start("tests.count_stock", {"items": 4, "names": "other"}).run
    other = start()
    part = claim(first)
    assert next_due() is None
    work(part)
    drive(first)
    drive(second)
    drive(other)
    assert {fresh(run).state for run in (first, second, other)} == {"succeeded"}
    assert len(turns("stock")) == 3


def test_a_retry_holds_what_its_original_held() -> None:
    first = start()
    runs.cancel(first.pk)
    again = runs.retry(first.pk).run
    assert again.holds == ["stock"]
    assert next_due() == again.pk
    assert held() == {"stock": again.pk}


@pytest.mark.once
def test_a_dry_run_holds_too() -> None:
    part = claim(runs.start("tests.takes_turns", {"names": "stock"}, dry_run=True).run)
    start()
    assert next_due() is None
    assert held() == {"stock": part.run_id}


def test_a_run_that_holds_nothing_waits_for_nobody() -> None:
    claim(start())
    free = start("")
    assert next_due() == free.pk
    assert fresh(free).holds is None


@pytest.mark.parametrize("names", ["x" * 201, ",".join(map(str, range(21))), "a\nb"])
@pytest.mark.once
def test_names_that_are_none_are_refused_at_the_start(names: str) -> None:
    with pytest.raises(InvalidParams, match="holds"):
        start(names)
    assert not Run.objects.exists()


def test_a_run_that_is_removed_by_hand_keeps_nobody_waiting() -> None:
    part, second = claim(start()), start()
    assert next_due() is None
    Run.objects.filter(pk=part.run_id).delete()
    assert next_due() is None

    tidying.tidy()

    assert next_due() == second.pk


def test_a_line_that_cannot_move_is_left_as_it_is() -> None:
    claim(start("b"))
    both = start("a,b")
    assert next_due() is None
    before = Part.objects.get(run=both).seq

    tidying.tidy()

    assert next_due() is None
    assert Part.objects.get(run=both).seq == before


def test_a_worker_killed_with_a_hold_is_followed_by_another_with_the_same(tmp_path: Path) -> None:
    path = tmp_path / "gate"
    gate = Gate(path).build()
    first, second = start(items=3, gate=f"1:{path}"), start()
    with Workers() as workers:
        workers.start(processes=2)
        os.kill(gate.wait_until_reached(), signal.SIGKILL)
        gate.wait_until_reached()
        until(lambda: snapshot(second.pk)["reason"])
        assert snapshot(second.pk)["reason"]["code"] == "hold"
        assert held() == {"stock": first.pk}
        gate.open(2)
        assert wait_for_end(first.pk).state == State.SUCCEEDED
        assert wait_for_end(second.pk).state == State.SUCCEEDED
    assert turns("stock") == [first.pk, second.pk]
    assert len(fences("stock")[first.pk]) == 1


@pytest.mark.slow
def test_many_runs_with_names_in_any_order_take_turns_and_all_end() -> None:
    wanted = ["a,b", "b,a", "b,c", "c,a", "a", "b", "a,b,c", "c"]
    line = [start(names, items=5) for names in wanted * 5]
    line += [runs.start("tests.count_stock", {"items": 6, "names": str(each)}).run for each in range(6)]
    line += [start("stock") for _ in range(6)]
    with Workers() as workers:
        workers.start(processes=4)
        for run in line[3::7]:
            steer(run)
        for run in line:
            if fresh(run).state in ("pausing", "paused"):
                runs.resume(run.pk)
        ended = [wait_for_end(run.pk) for run in line]
    assert {run.state for run in ended} <= {"succeeded", "cancelled"}
    for name in ("a", "b", "c", "stock"):
        assert turns_are_clean(name), name
    assert not Hold.objects.exists()


def steer(run: Run) -> None:
    """Cancel it, or let it pause, as its state is just then."""
    try:
        (runs.pause if fresh(run).state == "running" else runs.cancel)(run.pk)
    except InvalidState:
        pass  # it has ended


def turns_are_clean(name: str) -> bool:
    """Whether the takings, by their fences, stand one behind the other in the ledger and grow."""
    rows = [row.item for row in LedgerEntry.objects.order_by("id") if f" {name}=" in row.item]
    seen = [int(each.partition("=")[2]) for row in rows for each in row.split()[1:] if each.startswith(f"{name}=")]
    return seen == sorted(seen)
