"""A statement that is compiled once says what the ORM would say each time, on every database."""

import uuid
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from headway.database import NowMs, now_ms
from headway.database.statements import First, Given, Insert, Update, UpdateOne
from headway.models import ItemOutcome, Part, Run
from tests.app.driving import start

pytestmark = pytest.mark.django_db(transaction=True)

NESTED: Any = {"deep": [1, 2.5, None, "ä%s", {"b": True}]}
BY_ID = Part.objects.filter(pk=Given("part"))


def values(row: Any) -> dict[str, Any]:
    """All of an object's columns."""
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


def test_an_object_is_read_with_every_column_as_the_orm_reads_it() -> None:
    run = start()
    Run.objects.filter(pk=run.pk).update(result=NESTED, total_exact=True, started_at=run.created_at)
    Part.objects.filter(run=run).update(bounds=NESTED, cursor=[], token=2**61)

    found = First(Run.objects.filter(pk=Given("id", Run)))(id=run.pk)
    part = First(Part.objects.filter(run=Given("run", Part)))(run=run.pk)

    assert values(found) == values(Run.objects.get(pk=run.pk))
    assert values(part) == values(Part.objects.get(run=run))
    assert part is not None
    assert part.run == found
    part.save()  # it knows that it is stored: no second row
    assert Part.objects.filter(run=run).count() == 1


def test_nothing_is_found_where_nothing_is() -> None:
    assert First(Run.objects.filter(pk=Given("id", Run)))(id=uuid.uuid4()) is None
    assert UpdateOne(BY_ID, seq=F("seq") + 1)(part=0) is None
    assert Update(BY_ID, seq=F("seq") + 1)(part=0) == 0


@pytest.mark.parametrize("given", [NESTED, [], 0, "text", None])
def test_what_is_given_is_stored_as_the_orm_stores_it(given: Any) -> None:
    part = start().parts.get()
    write = Update(BY_ID, bounds=Given("bounds", Part), worker=Given("worker", Part), due=NowMs() + Given("after"))

    assert write(part=part.pk, bounds=given, worker="50 % 'off'", after=5_000) == 1

    compiled = Part.objects.get(pk=part.pk)
    Part.objects.filter(pk=part.pk).update(bounds=given)
    assert compiled.bounds == Part.objects.get(pk=part.pk).bounds == given
    assert Part.objects.filter(bounds__isnull=given is None).count() == 1
    assert compiled.worker == "50 % 'off'"
    assert compiled.due is not None
    assert 0 <= now_ms() - compiled.due + 5_000 < 5_000


def test_an_update_of_one_gives_it_as_it_is_afterwards() -> None:
    part = start().parts.get()

    after = UpdateOne(BY_ID, seq=F("seq") + Given("more"), worked_ms=Given("worked"))(
        part=part.pk, more=7, worked=60_000
    )

    assert values(after) == values(Part.objects.get(pk=part.pk))
    assert after is not None
    assert (after.seq, after.served_ms) == (7, 60_000), "what the database makes of it is told as well"


def test_an_insert_gives_what_the_database_has_made() -> None:
    run = start()
    copy = Run.objects.get(pk=run.pk)
    copy.pk, copy.live_key, copy.params = uuid.uuid4(), "another", NESTED

    assert Insert(Run, unless_there=True, changed=NowMs())(copy) is True

    stored = Run.objects.get(pk=copy.pk)
    assert values(copy) == values(stored)
    assert stored.changed >= run.changed
    copy.save()
    assert Run.objects.filter(pk=copy.pk).count() == 1


def test_an_insert_unless_there_leaves_no_trace_and_no_broken_transaction() -> None:
    run = start()
    same = Run.objects.get(pk=run.pk)
    same.pk = uuid.uuid4()
    with transaction.atomic():
        assert Insert(Run, unless_there=True)(same) is False
        assert Run.objects.count() == 1
    with pytest.raises(IntegrityError):
        Insert(Run)(same)


def test_a_value_that_is_not_given_is_an_error_and_nothing_is_run() -> None:
    with CaptureQueriesContext(connection) as queries, pytest.raises(KeyError, match="part"):
        Update(BY_ID, seq=0)()
    assert len(queries) == 0


def test_it_is_built_once_and_then_only_run(monkeypatch: pytest.MonkeyPatch) -> None:
    built = []
    count = First(ItemOutcome.objects.filter(run=Given("run", ItemOutcome)))
    build = count.compile
    monkeypatch.setattr(count, "compile", lambda: built.append(1) or build())
    for _ in range(3):
        assert count(run=uuid.uuid4()) is None
    assert built == [1]
