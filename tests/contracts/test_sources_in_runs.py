"""Rows of the database as items, also through retries."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection, connections, models
from django.db.models import Count, QuerySet
from django.test.utils import isolate_apps

from headway import Reject, runs, sources
from headway.models import ItemOutcome, Run, Selection
from headway.store.starts.selections import RunSelections
from tests.app.driving import after_items, claim, counted, drive, fresh, start, work
from tests.app.models import Child, LedgerEntry, Thing

pytestmark = pytest.mark.django_db(transaction=True)


def things(n: int, name: str = "chosen") -> list[Thing]:
    first = Thing.objects.count()
    return Thing.objects.bulk_create(Thing(name=name, code=f"{name}-{i}") for i in range(first, first + n))


def ledger() -> list[str]:
    return sorted(LedgerEntry.objects.values_list("item", flat=True), key=lambda code: int(code.split("-")[1]))


def test_a_queryset_is_read_within_the_bounds_that_were_frozen_at_the_start() -> None:
    # Hole 12.
    things(5)
    run = start("tests.touch_things")
    work(claim(run), should_stop=after_items())
    things(3, "late")

    run = drive(run)

    assert ledger() == [f"chosen-{i}" for i in range(5)]
    assert (run.state, run.total) == ("succeeded", 5)


def test_a_selection_is_copied_once_and_outlives_changes() -> None:
    chosen = things(5)
    things(2, "other")
    run = start("tests.touch_selected")
    work(claim(run), should_stop=after_items())
    Thing.objects.filter(pk=chosen[1].pk).update(name="renamed")
    things(2)
    chosen[3].delete()

    run = drive(run)

    assert Selection.objects.filter(run=run).count() == 5
    assert ledger() == ["chosen-0", "chosen-1", "chosen-2", "chosen-4"]
    assert run.state == "succeeded"
    gone = ItemOutcome.objects.get()
    assert (gone.state, gone.code) == ("skipped", "gone")


def test_what_a_cancelled_run_left_of_its_selection_is_retried() -> None:
    things(6)
    first = start("tests.touch_selected")
    work(claim(first), should_stop=after_items())
    runs.cancel(first)
    second = runs.retry(first).run
    work(claim(second), should_stop=after_items())
    runs.cancel(second)

    third = drive(runs.retry(second).run)

    assert fresh(second).state == "cancelled"
    assert third.state == "succeeded"
    assert (third.root_id, third.total) == (first.pk, 4)
    assert ledger() == [f"chosen-{i}" for i in range(6)]


@pytest.fixture
def elsewhere(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """Another database of the project, with a table of the same name. Nothing else may look at its databases then."""
    counted()
    connections.databases["elsewhere"] = connections.databases["default"] | {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": str(tmp_path / "elsewhere.sqlite3"),
        "OPTIONS": {},
    }
    connections["elsewhere"].connect()  # Django's tests refuse only to do that by themselves
    with connections["elsewhere"].schema_editor() as editor:
        editor.create_model(Thing)
    yield "elsewhere"
    counted()
    connections["elsewhere"].close()
    del connections["elsewhere"]
    del connections.databases["elsewhere"]


def selected(script: dict[str, Any], queryset: QuerySet[Any]) -> tuple[Run, list[Any]]:
    """A run over this selection, and the rows in the order in which it did them."""
    seen: list[Any] = []
    script["items"] = lambda: sources.selection(queryset)
    script["before"] = lambda operation, row: seen.append(row)
    return drive(start("tests.scripted")), seen


def codes(rows: list[Any]) -> list[str]:
    return [row.code for row in rows]


def with_all_related(rows: Any) -> Any:
    """As `select_related()` without a name makes them, which Django 6.1 warns of."""
    rows.query.select_related = True
    return rows


class TestSelection:
    @pytest.mark.parametrize(
        "rows",
        [
            Thing.objects.filter(child__isnull=False),
            Thing.objects.filter(child__isnull=False).distinct(),
            Thing.objects.annotate(children=Count("child")).filter(children__gt=0),
            with_all_related(Thing.objects.filter(child__isnull=False).order_by("child__id")),
        ],
    )
    def test_a_row_that_a_join_gives_several_times_is_one_item(self, script: dict[str, Any], rows: Any) -> None:
        for thing in things(6)[:4]:
            Child.objects.bulk_create(Child(thing=thing) for _ in range(3))
        run, seen = selected(script, rows)
        assert codes(seen) == [f"chosen-{n}" for n in range(4)]
        assert (run.state, run.total) == ("succeeded", 4)

    @pytest.mark.parametrize(
        ("rows", "expected"),
        [
            (Thing.objects.order_by("-pk"), "543210"),
            (Thing.objects.order_by("-pk")[1:4], "432"),
            (Thing.objects.order_by("name", "-code").reverse(), "135024"),
            (Thing.objects.all()[:2], "01"),
            (Thing.objects.filter(code__endswith="5") | Thing.objects.filter(code__endswith="1"), "15"),
            (Thing.objects.filter(pk__lt=0).union(Thing.objects.filter(name="odd")).order_by("-code"), "531"),
            (Thing.objects.order_by("-pk").select_for_update(), "543210"),
        ],
    )
    def test_its_order_slices_and_unions_are_kept(self, script: dict[str, Any], rows: Any, expected: str) -> None:
        Thing.objects.bulk_create(Thing(name=("even", "odd")[n % 2], code=f"c-{n}") for n in range(6))
        _, seen = selected(script, rows)
        assert codes(seen) == [f"c-{n}" for n in expected]

    @pytest.mark.postgresql
    def test_the_first_of_each_group_can_be_selected(self, script: dict[str, Any]) -> None:
        Thing.objects.bulk_create(Thing(name=("even", "odd")[n % 2], code=f"c-{n}") for n in range(6))
        _, seen = selected(script, Thing.objects.order_by("name", "-code").distinct("name"))
        assert codes(seen) == ["c-4", "c-5"]

    def test_many_rows_keep_their_order(self, script: dict[str, Any]) -> None:
        things(5000)
        rows = Thing.objects.order_by("-pk")
        source = sources.selection(rows)
        run = start("tests.scripted")
        source.attach(RunSelections(run.pk))
        assert source.freeze() == {"count": 5000}
        keys = list(Selection.objects.filter(run=run).order_by("seq").values_list("key", flat=True))
        assert keys == [str(pk) for pk in rows.values_list("pk", flat=True)]

    def test_rows_of_another_database_are_selected_and_read_there(self, script: dict[str, Any], elsewhere: str) -> None:
        things(3)
        there = Thing.objects.using(elsewhere)
        there.bulk_create(Thing(name="there", code=f"there-{n}") for n in range(2))
        run, seen = selected(script, there.order_by("-code"))
        assert codes(seen) == ["there-1", "there-0"]
        assert (run.state, run.total, seen[0]._state.db) == ("succeeded", 2, elsewhere)

    def test_a_selection_of_another_database_takes_no_keys_of_this_one(
        self, script: dict[str, Any], elsewhere: str
    ) -> None:
        things(3)
        run, seen = selected(script, Thing.objects.using(elsewhere).filter(name="chosen"))
        assert (run.state, run.total, seen) == ("succeeded", 0, [])


class TestLocks:
    @pytest.mark.parametrize("make", [sources.queryset, sources.selection])
    def test_rows_are_locked_from_when_they_are_read_to_the_end_of_their_chunk(
        self, script: dict[str, Any], make: Any
    ) -> None:
        things(3)
        locked: list[bool] = []
        script["items"] = lambda: make(Thing.objects.select_for_update())
        script["before"] = lambda operation, row: locked.append(is_locked(row.pk))
        assert drive(start("tests.scripted")).state == "succeeded"
        assert locked == [True] * 3

    def test_what_leaves_locked_rows_out_is_refused(self) -> None:
        for make in (sources.queryset, sources.selection):
            with pytest.raises(ValueError, match="would be left out for good"):
                make(Thing.objects.select_for_update(skip_locked=True))


def is_locked(pk: int) -> bool:
    """Whether somebody else would have to wait for this row; on SQLite the whole database is locked in a chunk."""
    if connection.vendor != "postgresql":
        return connection.in_atomic_block
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT id FROM app_thing WHERE id = %s FOR UPDATE SKIP LOCKED", [pk])
            return cursor.fetchone() is None
    finally:
        other.close()


@pytest.mark.sqlite  # the PostgreSQL of the tests is built without ICU, so it has no such collation
class TestKeysThatTheDatabaseCompares:
    """Keys that are equal for the database although they are written otherwise."""

    @pytest.fixture
    def people(self) -> Iterator[type[models.Model]]:
        """A table whose key doesn't heed upper and lower case."""
        with isolate_apps("tests.app"):
            email = models.CharField(max_length=50, primary_key=True, db_collation="NOCASE")
            model: Any = type("Person", (models.Model,), {"__module__": "tests.app.models", "email": email})
        with connection.schema_editor() as editor:
            editor.create_model(model)
        yield model
        with connection.schema_editor() as editor:
            editor.delete_model(model)

    @pytest.mark.parametrize("make", [sources.queryset, sources.selection])
    def test_a_retry_finds_a_row_whose_key_was_written_anew(
        self, script: dict[str, Any], people: Any, make: Any
    ) -> None:
        people.objects.bulk_create(people(email=email) for email in ("Ann@x.org", "bob@x.org", "CARL@x.org"))
        script["items"] = lambda: make(people.objects.all())
        script["before"] = reject
        first = drive(start("tests.scripted"))
        with connection.cursor() as cursor:
            cursor.execute("UPDATE app_person SET email = lower(email) WHERE email <> 'bob@x.org'")
        people.objects.filter(email="carl@x.org").delete()
        seen: list[str] = []
        script["before"] = lambda operation, row: seen.append(row.email)
        ended = drive(runs.retry(first).run)
        assert sorted(seen) == ["ann@x.org", "bob@x.org"]
        assert (ended.state, ended.is_done) == ("succeeded", True)


def reject(operation: Any, row: Any) -> None:
    raise Reject("bad")
