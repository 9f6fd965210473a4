"""Who goes first, among few that are due and among many: the same order, and no more read than needed."""

import random

import pytest
from django.db import connection

from headway.clock import now_ms
from headway.models import Kind, Lane, Part, Run
from headway.states import Want
from headway.store import leases
from headway.store.candidates import ANYBODYS, ENOUGH, LONG_FIRST, SHORT_FIRST, due_parts
from tests.app.driving import fresh, start

pytestmark = pytest.mark.django_db(transaction=True)

STANDS = (
    {"kind": Kind.PLAN},
    {"kind": Kind.PLAN, "token": 1, "tries": 1},
    {"kind": Kind.ITEMS, "seq": 3},
    {"kind": Kind.ITEMS, "seq": 3, "token": 1, "tries": 1},
    {"kind": Kind.ITEMS, "seq": 3, "token": 1, "tries": 2},
    {"kind": Kind.ITEMS, "seq": 3, "worked_ms": 10_000},
    {"kind": Kind.ITEMS, "seq": 3, "worked_ms": 10_000, "token": 1, "tries": 0},
    {"kind": Kind.ITEMS, "seq": 3, "worked_ms": 10_000, "token": 1, "tries": 9},
)
LANES = (1, 4, 2, 4, 2, 3, 5, 3)


def test_every_stand_of_a_part_has_its_lane() -> None:
    run = start()
    due = now_ms()
    parts = Part.objects.bulk_create([Part(run=run, due=due, changed=due, **stand) for stand in STANDS])
    found = dict(Part.objects.values_list("pk", "lane"))
    assert tuple(found[part.pk] for part in parts) == LANES
    assert set(LANES) == set(Lane.values)


@pytest.mark.parametrize("count", [0, 3, ENOUGH, ENOUGH + 1, 40])
@pytest.mark.parametrize("pick", [1, 2])
def test_the_order_is_the_same_however_many_are_due(count: int, pick: int) -> None:
    run = start()
    Part.objects.all().delete()
    now, dice = now_ms(), random.Random(count)
    Part.objects.bulk_create(
        Part(run=run, due=now - dice.randrange(9), changed=now, **dice.choice(STANDS)) for _ in range(count)
    )
    Part.objects.create(run=run, due=now + 60_000, changed=now)  # whose time has not come
    Part.objects.create(run=run, due=None, changed=now)
    order = LONG_FIRST if pick == 2 else SHORT_FIRST
    every = sorted(due_parts(), key=lambda part: (order[Lane(part.lane)], part.due, part.pk))
    assert len(every) == count

    assert [candidate.id for candidate in ANYBODYS.first(pick)] == [part.pk for part in every[:ENOUGH]]


def test_many_that_are_due_are_read_by_the_index_of_the_lanes() -> None:
    run = start()
    now = now_ms()
    Part.objects.bulk_create(Part(run=run, due=now - n, seq=n % 2, changed=now) for n in range(3_000))
    compiled = ANYBODYS.earliest_in_each_lane.here
    explain = {"sqlite": "EXPLAIN QUERY PLAN", "postgresql": "EXPLAIN"}[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE headway_part")
        cursor.execute(f"{explain} {compiled.sql}", compiled.params)
        plan = [str(row) for row in cursor.fetchall()]
    assert sum("headway_part_in_lane" in step for step in plan) == len(Lane)
    assert not any(
        "sort" in step.lower() or "seq scan" in step.lower() or "temp b-tree" in step.lower() for step in plan
    )


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
