"""Names held over Redis: services with databases of their own exclude each other, by a number that only grows."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from headway import redis_holds, runs
from headway.models import Hold, Part, Run
from headway.redis_holds import HeldElsewhere, RedisHolds
from headway.snapshots import snapshot
from headway.store.parts import leases
from headway.store.upkeep import tidying
from servers.valkey import Valkey
from tests.app.driving import WORKER, after_items, claim, drive, expire, fresh, work
from tests.app.holds import CallUnderHold, HoldNames
from tests.app.models import LedgerEntry
from tests.workers import until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    with Valkey() as server:
        yield server


@pytest.fixture
def other(valkey: Valkey, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisHolds]:
    """Another service at the same server. What is to have a name next stays so, however slowly the machine asks."""
    monkeypatch.setattr(redis_holds, "NEXT_STAYS_MS", 60_000)
    valkey.start()
    valkey.empty()
    settings.HEADWAY = settings.HEADWAY | {"HOLDS": valkey.url}
    redis_holds.fuse.failures = 0
    yield RedisHolds(valkey.url)
    redis_holds.server_at.cache_clear()


def start(names: str = "stock", **given: Any) -> Run:
    return runs.start("tests.takes_turns", {"names": names, **given}).run


def due_now(run: Run) -> None:
    """Let the moment pass after which it asks again."""
    Part.objects.filter(run=run, due__isnull=False).update(due=1)


def entries(run: Run) -> dict[str, int]:
    """Each item with the fence under which it was committed. Fails when one was committed twice."""
    rows = [row.item.split() for row in LedgerEntry.objects.filter(run=run.pk).order_by("id")]
    assert len(rows) == len({number for number, *_ in rows})
    return {number: int(held.partition("=")[2]) for number, held in rows}


def meanwhile(part: Part, then: Callable[[], object]) -> Any:
    """Work at the part; `then` happens while its first item is in hand, and no other is begun."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(HoldNames, "in_hand", staticmethod(then))
        return work(part, should_stop=after_items(1))


def test_a_run_waits_for_a_name_that_another_service_holds(other: RedisHolds) -> None:
    before = other.take("other", ["stock"])["stock"]
    run = start()

    assert leases.claim(WORKER, pick=1) is None
    told = snapshot(run.pk)
    assert (told["state"], told["started_at"], told["waiting_until"]) == ("queued", None, None)
    assert told["reason"] == {
        "code": "hold",
        "text": "Another service comes first for “stock”. It goes on by itself after that one.",
    }
    other.release("other", ["stock"])
    due_now(run)

    assert drive(run).state == "succeeded"
    (fence,) = set(entries(run).values())
    assert fence > before


def test_another_service_waits_for_a_run_and_has_a_higher_number_after_it(other: RedisHolds) -> None:
    run = start()
    part = claim(run)
    with pytest.raises(HeldElsewhere, match="stock"):
        other.take("other", ["other", "stock"])
    work(part)

    assert fresh(run).state == "succeeded"
    (fence,) = set(entries(run).values())
    assert other.take("other", ["other", "stock"])["stock"] > fence


@pytest.mark.parametrize("steer", [runs.pause, runs.cancel])
def test_what_a_run_gives_up_is_free_for_other_services(other: RedisHolds, steer: Any) -> None:
    run = start(items=2)
    work(claim(run), should_stop=after_items(1))
    steer(run.pk)
    assert other.take("other", ["stock"])


def test_what_the_server_has_forgotten_is_taken_again_before_anything_is_committed(
    other: RedisHolds, valkey: Valkey
) -> None:
    run = start(items=4)
    work(claim(run), should_stop=after_items(2))
    before = entries(run)
    assert len(before) == 2

    meanwhile(claim(run), valkey.empty)
    assert entries(run) == before

    assert drive(run).state == "succeeded"
    after = entries(run)
    assert len(after) == 4
    assert after["3"] > before["0"]


def test_a_run_that_was_followed_by_another_service_commits_nothing(other: RedisHolds, valkey: Valkey) -> None:
    run = start(items=3)
    taken: dict[str, int] = {}

    def overtake() -> None:
        valkey.empty()
        taken.update(other.take("other", ["stock"]))

    meanwhile(claim(run), overtake)
    assert entries(run) == {}
    assert leases.claim(WORKER, pick=1) is None
    assert snapshot(run.pk)["reason"]["code"] == "hold"
    assert fresh(run).state == "running"

    other.release("other", ["stock"])
    due_now(run)
    assert drive(run).state == "succeeded"
    assert min(entries(run).values()) > taken["stock"]


def test_while_the_server_is_away_nothing_is_begun_or_committed(other: RedisHolds, valkey: Valkey) -> None:
    first, second = start(items=3), start("till")
    meanwhile(claim(first), valkey.crash)

    assert leases.claim(WORKER, pick=1) is None
    assert not LedgerEntry.objects.exists()
    for run, state in ((first, "running"), (second, "queued")):
        told = snapshot(run.pk)
        assert (told["state"], told["reason"]["code"]) == (state, "hold")
        assert "doesn't answer" in told["reason"]["text"]
    valkey.start()
    for run in (first, second):
        until(lambda run=run: is_done_when_due(run))
    assert {fresh(first).state, fresh(second).state} == {"succeeded"}


def is_done_when_due(run: Run) -> bool:
    due_now(run)
    return drive(run).is_done


def test_a_run_of_the_own_database_waits_in_its_line_and_not_at_the_server(other: RedisHolds) -> None:
    first, second = start(), start()
    part = claim(first)
    assert leases.claim(WORKER, pick=1) is None
    assert "Another run comes first" in snapshot(second.pk)["reason"]["text"]
    work(part)
    assert drive(second).state == "succeeded"
    assert min(entries(second).values()) > max(entries(first).values())


def test_what_no_worker_has_in_hand_is_renewed_by_all(other: RedisHolds, valkey: Valkey) -> None:
    run = start(items=2)
    work(claim(run), should_stop=after_items(1))
    valkey.command("PEXPIRE", "headway:{holds}:held:stock", "2000")

    tidying.tidy()

    assert int(valkey.command("PTTL", "headway:{holds}:held:stock")[1:]) > 25_000


def test_a_successor_keeps_what_its_run_holds(other: RedisHolds) -> None:
    run = start(items=2)
    part = claim(run)
    number = Hold.objects.get(held="stock").fence
    expire(part)
    drive(run)
    assert set(entries(run).values()) == {number}


@pytest.mark.once
def test_an_earlier_owner_frees_and_renews_nothing_of_a_later_one(other: RedisHolds) -> None:
    first = other.take("first", ["stock"])
    other.release("first", ["stock"])
    second = other.take("second", ["stock"])

    other.release("first", ["stock"])

    assert not other.renew("first", first)
    assert other.renew("second", second)


@pytest.mark.once
def test_the_same_owner_that_asks_twice_has_the_same_number(other: RedisHolds) -> None:
    assert other.take("first", ["a", "b"]) == other.take("first", ["a", "b"])


def test_a_service_with_a_line_of_its_own_lets_another_in(other: RedisHolds) -> None:
    first, second = start(), start()
    part = claim(first)
    with pytest.raises(HeldElsewhere):
        other.take("other", ["stock"])
    work(part)

    assert leases.claim(WORKER, pick=1) is None
    taken = other.take("other", ["stock"])["stock"]
    other.release("other", ["stock"])
    due_now(second)
    drive(second)

    assert max(entries(first).values()) < taken < min(entries(second).values())


@pytest.mark.once
def test_who_waits_for_several_names_is_the_next_for_all_of_them_or_none(other: RedisHolds) -> None:
    other.take("first", ["b"])
    other.take("second", ["a"])
    for owner in ("third", "fourth"):
        with pytest.raises(HeldElsewhere):
            other.take(owner, ["a", "b"])
    other.release("first", ["b"])
    other.release("second", ["a"])

    with pytest.raises(HeldElsewhere):
        other.take("fourth", ["a", "b"])
    assert other.take("third", ["b", "a"])


@pytest.mark.once
def test_a_name_is_kept_for_the_next_only_for_as_long_as_that_asks(other: RedisHolds, valkey: Valkey) -> None:
    other.take("first", ["a"])
    with pytest.raises(HeldElsewhere):
        other.take("second", ["a"])
    other.release("first", ["a"])
    assert 0 < int(valkey.command("PTTL", "headway:{holds}:next:a")[1:]) <= redis_holds.NEXT_STAYS_MS


@pytest.mark.once
def test_none_is_taken_where_one_is_held(other: RedisHolds, valkey: Valkey) -> None:
    other.take("first", ["b"])
    with pytest.raises(HeldElsewhere, match="b"):
        other.take("second", ["a", "b"])
    assert valkey.command("EXISTS", "headway:{holds}:held:a") == ":0"


@pytest.mark.once
def test_numbers_grow_though_the_clock_is_set_back(other: RedisHolds, valkey: Valkey) -> None:
    valkey.command("SET", "headway:{holds}:number:stock", str(10**15))
    assert other.take("first", ["stock"]) == {"stock": 10**15 + 1}


def test_no_item_is_begun_by_a_worker_whose_run_has_lost_its_names(other: RedisHolds, valkey: Valkey) -> None:
    run = start(items=3)
    work(claim(run), should_stop=after_items(1))
    valkey.empty()
    other.take("other", ["stock"])
    part = claim(run)
    HoldNames.begun.clear()

    work(part)

    assert HoldNames.begun == []


def test_the_last_parts_of_a_run_ask_too(other: RedisHolds, valkey: Valkey) -> None:
    """`on_start` and `on_finish` are effects like those of items."""
    run = start(items=0)
    part = claim(run)
    valkey.empty()
    other.take("other", ["stock"])
    work(part)
    assert fresh(run).state == "running"
    assert Part.objects.get(run=run).kind == "plan"


def test_no_call_goes_out_for_a_run_that_was_followed_by_another_service(other: RedisHolds, valkey: Valkey) -> None:
    called: list[int] = []

    def call(number: int) -> None:
        called.append(number)
        if number == 1:
            valkey.empty()
            other.take("other", ["stock"])

    CallUnderHold.call = call
    run = runs.start("tests.call_under_hold").run
    work(claim(run))

    assert called == [0, 1]
    assert leases.claim(WORKER, pick=1) is None
    other.release("other", ["stock"])
    due_now(run)
    assert drive(run).state == "succeeded"
    assert called == [0, 1, 2, 3]
