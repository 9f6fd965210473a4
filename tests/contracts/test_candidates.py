"""Who goes first, among few that are due and among many: the same order, and no more read than needed."""

import random
import uuid
from typing import Any

import pytest
from django.db import connection

from headway.database import now_ms
from headway.database.statements import Compiled, Rows
from headway.models import Kind, Part, Run
from headway.models.part import AT_ONCE_MS
from headway.runner.ending import slice_seconds
from headway.states import Want
from headway.store.parts import leases
from headway.store.parts.candidates import ANYBODYS, ENOUGH, due_parts
from tests.app.driving import claim, expire, fresh, start
from tests.once import once

pytestmark = pytest.mark.django_db(transaction=True)

STANDS: dict[str, tuple[dict[str, Any], int]] = {
    "never begun": ({"kind": Kind.PLAN}, 0),
    "worked at for a while": ({"worked_ms": 60_000}, 60_000),
    "the third of its run": ({"worked_ms": 100, "number": 2}, 600),
    "interrupted": ({"worked_ms": 60_000, "token": 1}, AT_ONCE_MS),
    "interrupted again before it was given back": ({"worked_ms": 60_000, "token": 1, "careful": 9}, 60_000),
}


@pytest.mark.parametrize("stand", STANDS)
def test_a_part_has_been_served_for_as_long_as_it_was_worked_and_its_number_says(stand: str) -> None:
    given, served_ms = STANDS[stand]
    part = Part.objects.create(run=start(), due=1, changed=1, **given)
    assert Part.objects.get(pk=part.pk).served_ms == served_ms


def part_of(run: Run, **given: Any) -> int:
    return Part.objects.create(run=run, kind=Kind.ITEMS, changed=1, **given).pk


def firsts(pick: int) -> list[int]:
    return [candidate.id for candidate in ANYBODYS.first(pick)]


def test_what_was_interrupted_goes_first_and_then_who_has_been_served_least() -> None:
    # Hole 10, and a short run behind twenty big ones.
    run = start()
    Part.objects.all().delete()
    long = part_of(run, worked_ms=60_000, due=1)
    short = part_of(run, worked_ms=1_000, due=3)
    third_of_one_that_has_begun = part_of(run, number=2, due=2)
    interrupted = part_of(run, worked_ms=60_000, token=1, due=4)
    new = part_of(run, due=5)
    part_of(run, due=now_ms() + 60_000)  # whose time has not come
    part_of(run, due=None)

    for pick in (1, 2, 3, 5, 6, 7):
        assert firsts(pick) == [interrupted, new, third_of_one_that_has_begun, short, long]


def test_every_fourth_pick_goes_by_age_so_that_nobody_waits_for_ever() -> None:
    run = start()
    Part.objects.all().delete()
    long = part_of(run, worked_ms=60_000, due=1)
    for number in range(40):
        part_of(run, due=2 + number)

    assert [firsts(pick)[0] == long for pick in range(1, 9)] == [False, False, False, True, False, False, False, True]


def test_a_part_whose_owners_keep_dying_goes_before_the_others_once() -> None:
    run, other = start(), start(items=1)
    Part.objects.filter(run=run).update(worked_ms=60_000)
    Part.objects.filter(run=other).delete()
    lost = claim(run, "dies")
    expire(lost)
    new = start(items=2).parts.get().pk
    assert firsts(1) == [lost.pk, new]

    expire(claim(run, "dies too"))

    assert firsts(1) == [new, lost.pk]


@pytest.mark.parametrize(
    ("least_served_ms", "seconds"), [(None, 30.0), (AT_ONCE_MS, 0.25), (0, 0.25), (1_200, 1.2), (60_000, 2.0)]
)
@pytest.mark.once
def test_a_slice_lasts_as_long_as_the_least_served_of_those_that_wait_has_been_served(
    least_served_ms: int | None, seconds: float
) -> None:
    assert slice_seconds(60_000, least_served_ms) == seconds


@pytest.mark.parametrize(("served_ms", "seconds"), [(8_999, 30.0), (9_000, 2.0)])
@pytest.mark.once
def test_a_part_gives_way_to_none_that_was_served_more(served_ms: int, seconds: float) -> None:
    assert slice_seconds(served_ms, 9_000) == seconds


@pytest.mark.parametrize("count", [ENOUGH, 40, *once(0, 3, ENOUGH + 1)])
@pytest.mark.parametrize("pick", [1, 4])
def test_the_order_is_the_same_however_many_are_due(count: int, pick: int) -> None:
    run = start()
    Part.objects.all().delete()
    now, dice = now_ms(), random.Random(count)
    stands = [given for given, _ in STANDS.values()]
    Part.objects.bulk_create(
        Part(run=run, due=now - dice.randrange(9), changed=now, **dice.choice(stands)) for _ in range(count)
    )
    every = sorted(due_parts(), key=lambda part: (0 if pick == 4 else part.served_ms, part.due, part.pk))
    assert len(every) == count

    assert firsts(pick) == [part.pk for part in every[:ENOUGH]]


def test_many_that_are_due_are_read_by_an_index_and_never_sorted() -> None:
    run = start()
    now = now_ms()
    Part.objects.bulk_create(Part(run=run, due=now - n, worked_ms=n % 7, changed=now) for n in range(3_000))
    for index, steps in [
        ("headway_part_served", plan(ANYBODYS.ordered(1))),
        ("headway_part_due", plan(ANYBODYS.ordered(4))),
        ("headway_part_served", plan(leases.looking_for(ANYBODYS), part=1, token=1, run=uuid.uuid4())),
    ]:
        assert sum(index in step for step in steps) == 1
        assert not any("sort" in step or "seq scan" in step or "temp b-tree" in step for step in steps)


def plan(statement: Rows, **given: Any) -> list[str]:
    """The database's own, in small letters."""
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[connection.vendor]
    compiled = statement.here
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE headway_part")
        Compiled(f"{explain} {compiled.sql}", compiled.params).execute(cursor, given)
        return [str(row).lower() for row in cursor.fetchall()]


def test_what_another_has_taken_meanwhile_is_not_taken_again_nor_its_run_begun_twice() -> None:
    run = start()
    (seen,) = ANYBODYS.first(1)
    assert leases.take(seen, "first") is not None
    begun = fresh(run)

    assert leases.take(seen, "second") is None

    assert run.parts.get().worker == "first"
    assert (begun.state, fresh(run).revision) == ("running", begun.revision)


def test_a_run_that_is_not_wanted_is_taken_but_not_begun() -> None:
    run = start()
    Run.objects.filter(pk=run.pk).update(want=Want.STOP)
    (seen,) = ANYBODYS.first(1)

    part = leases.take(seen, "first")

    assert part is not None
    assert (part.run.state, part.run.started_at, part.run.revision) == ("queued", None, run.revision)
