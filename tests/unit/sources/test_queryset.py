"""A queryset gives each row once, in the order of its key, whatever happens to the rows meanwhile."""

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models
from django.db.models import Count
from django.test.utils import CaptureQueriesContext, isolate_apps
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from headway.operations import sources
from headway.operations.sources.table import ModelKey
from tests.app.models import Tagged, Thing

from .contract import assert_keeps_its_promises


def things(count: int) -> list[Thing]:
    return Thing.objects.bulk_create(Thing(name=f"Thing {n}", code=f"c-{n:04}") for n in range(count))


def names(source: Any, bounds: Any, after: Any = None) -> list[str]:
    return [item.name for _, _, item in source.read(bounds, after)]


class AnyRows(TestCase):
    @given(
        codes=st.lists(st.from_regex(r"[a-zA-Z0-9_-]{1,4}", fullmatch=True), max_size=12, unique_by=str.lower),
        key=st.sampled_from([None, "id", "code"]),
    )
    def test_whatever_the_rows_the_promises_are_kept(self, codes: list[str], key: str | None) -> None:
        Thing.objects.bulk_create(Thing(name=code, code=code) for code in codes)
        entries = assert_keeps_its_promises(lambda: sources.queryset(Thing.objects.all(), key=key))
        assert sorted(item.code for _, _, item in entries) == sorted(codes)

    @given(keys=st.lists(st.uuids(), max_size=12, unique=True))
    def test_random_keys_keep_the_promises(self, keys: list[UUID]) -> None:
        Tagged.objects.bulk_create(Tagged(id=key) for key in keys)
        entries = assert_keeps_its_promises(lambda: sources.queryset(Tagged.objects.all()))
        assert [cursor for cursor, _, _ in entries] == [str(key) for key in sorted(keys)]


@pytest.mark.django_db
class TestRead:
    def test_rows_come_in_the_order_of_the_key_with_the_key_as_cursor(self) -> None:
        Thing.objects.create(name="Second", code="b")
        Thing.objects.create(name="First", code="a")
        source = sources.queryset(Thing.objects.all(), key="code")
        bounds = source.freeze()
        entries = [(cursor, key, source.label(item)) for cursor, key, item in source.read(bounds, None)]
        assert bounds == {"last": "b"}
        assert entries == [("a", "a", "First"), ("b", "b", "Second")]

    def test_an_empty_queryset_gives_nothing_even_when_rows_come_later(self) -> None:
        source = sources.queryset(Thing.objects.all())
        bounds = source.freeze()
        things(1)
        assert bounds == {"last": None}
        assert names(source, bounds) == []
        assert source.count(bounds) == 0

    def test_rows_that_come_later_lie_beyond_the_bounds(self) -> None:
        things(2)
        source = sources.queryset(Thing.objects.all())
        bounds = source.freeze()
        Thing.objects.create(name="Later", code="later")
        assert names(source, bounds) == ["Thing 0", "Thing 1"]
        assert source.count(bounds) == 2

    def test_rows_that_stop_matching_while_they_are_read_hide_no_others(self) -> None:
        things(1000)
        source = sources.queryset(Thing.objects.exclude(name="done"))
        done = []
        for _, _, item in source.read(source.freeze(), None):
            Thing.objects.filter(pk=item.pk).update(name="done")
            done.append(item.code)
        assert done == [f"c-{n:04}" for n in range(1000)]

    def test_a_row_deleted_behind_the_cursor_changes_nothing(self) -> None:
        first, *_ = things(3)
        source = sources.queryset(Thing.objects.all())
        bounds = source.freeze()
        cursor = source.key.of(first)
        first.delete()
        assert names(source, bounds, cursor) == ["Thing 1", "Thing 2"]

    def test_pages_are_read_behind_a_key_and_never_by_offset(self) -> None:
        things(250)
        source = sources.queryset(Thing.objects.all())
        bounds = source.freeze()
        with CaptureQueriesContext(connection) as queries:
            assert len(list(source.read(bounds, None))) == 250
        statements = [query["sql"] for query in queries]
        assert len(statements) == 4  # 100 rows, as many, the other 50, none
        assert all("LIMIT" in statement and "OFFSET" not in statement for statement in statements)

    def test_a_row_that_a_join_gives_several_times_comes_once(self) -> None:
        kind = ContentType.objects.create(app_label="tests", model="made-up")
        group = Group.objects.create(name="Editors")
        group.permissions.set(
            Permission.objects.create(codename=f"p{n}", content_type=kind, name="p") for n in range(3)
        )
        rows = Group.objects.filter(permissions__codename__startswith="p")
        assert rows.count() == 3
        assert [item for _, _, item in assert_keeps_its_promises(lambda: sources.queryset(rows))] == [group]
        annotated = Group.objects.annotate(size=Count("permissions")).filter(size__gt=1)
        assert len(assert_keeps_its_promises(lambda: sources.queryset(annotated))) == 1

    def test_the_database_of_the_queryset_is_asked(self) -> None:
        source = sources.queryset(Thing.objects.using("elsewhere"))
        assert source.queryset.db == "elsewhere"
        assert source.within({"last": 1}).db == "elsewhere"


@pytest.mark.django_db
class TestFetch:
    def test_rows_are_fetched_500_at_a_time(self) -> None:
        keys = [str(thing.pk) for thing in things(501)]
        with CaptureQueriesContext(connection) as queries:
            found = dict(sources.queryset(Thing.objects.all()).fetch([*keys, *keys]))
        assert sorted(found) == sorted(keys)
        assert len(queries) == 2

    def test_keys_that_no_row_has_any_more_are_left_out(self) -> None:
        one, other = things(2)
        one.delete()
        source = sources.queryset(Thing.objects.all())
        found = dict(source.fetch([str(one.pk or 0), str(other.pk), "not a number"]))
        assert found == {str(other.pk): other}


class TestDeclaration:
    @pytest.mark.parametrize(
        ("queryset", "message"),
        [
            (Thing.objects.all()[:10], "A sliced queryset"),
            (Thing.objects.all().union(Thing.objects.all()), "A union of querysets"),
            (Thing.objects.distinct("name"), r"distinct\(fields\)"),
            (Thing.objects.values("name"), "gives values, not instances"),
            (Thing.objects.values_list("pk", flat=True), "gives values, not instances"),
            (Thing.objects.order_by("name"), "is ordered by name.*in the order of id"),
            (Thing.objects.order_by("-pk"), "is ordered by -pk"),
            (Thing.objects.order_by("pk", "name"), "is ordered by pk, name"),
            (Thing.objects.order_by("pk").reverse(), "is ordered by pk"),
        ],
    )
    def test_a_queryset_that_cannot_be_read_by_key_is_refused(self, queryset: Any, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            sources.queryset(queryset)

    def test_what_is_no_queryset_is_refused(self) -> None:
        with pytest.raises(TypeError, match=r"such as Airport.objects.all\(\)"):
            sources.queryset(Thing.objects)  # type: ignore[arg-type]

    def test_the_order_of_the_key_and_plain_distinct_are_accepted(self) -> None:
        sources.queryset(Thing.objects.order_by("pk"))
        sources.queryset(Thing.objects.order_by("code").distinct(), key="code")

    @pytest.mark.parametrize(
        ("key", "message"),
        [
            ("name", r"app.Thing can't be read by the key 'name': it must be unique and not null"),
            ("title", "'title': there is no such field"),
        ],
    )
    def test_a_key_that_does_not_tell_rows_apart_is_refused(self, key: str, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            sources.queryset(Thing.objects.all(), key=key)

    @isolate_apps("tests.app")
    @pytest.mark.parametrize(
        "field",
        [
            models.IntegerField(unique=True, null=True),
            models.CharField(max_length=256, unique=True),
            models.TextField(unique=True),
            models.FloatField(unique=True),
            models.ManyToManyField(Thing),
        ],
    )
    def test_a_key_that_may_be_null_too_long_or_inexact_is_refused(self, field: Any) -> None:
        model: Any = type("Model", (models.Model,), {"__module__": "tests.app.models", "code": field.clone()})
        with pytest.raises(ValueError, match=r"app.Model can't be read by the key 'code'"):
            ModelKey(model, "code")

    @isolate_apps("tests.app")
    def test_the_key_of_a_child_model_is_its_parents(self) -> None:
        child: Any = type("Child", (Thing,), {"__module__": "tests.app.models"})
        key = ModelKey(child)
        assert (key.name, key.of(child(thing_ptr_id=7)), key.load("7")) == ("thing_ptr", 7, 7)

    @isolate_apps("tests.app")
    @pytest.mark.parametrize(
        ("field", "value", "expected"),
        [
            (models.BigIntegerField(unique=True), 2**60, 2**60),
            (models.CharField(max_length=5, unique=True), "007", "007"),
            (models.DecimalField(max_digits=5, decimal_places=2, unique=True), Decimal("1.50"), "1.50"),
            (models.DateField(unique=True), date(2024, 2, 29), "2024-02-29"),
            (models.TimeField(unique=True), time(1, 2, 3, 4), "01:02:03.000004"),
            (models.UUIDField(unique=True), UUID(int=5), "00000000-0000-0000-0000-000000000005"),
            (models.DateTimeField(unique=True), datetime(2024, 1, 2, tzinfo=UTC), "2024-01-02T00:00:00+00:00"),
        ],
    )
    def test_a_key_goes_to_json_and_back(self, field: Any, value: Any, expected: Any) -> None:
        model: Any = type("Model", (models.Model,), {"__module__": "tests.app.models", "code": field.clone()})
        key = ModelKey(model, "code")
        assert key.of(model(code=value)) == expected
        assert key.load(expected) == value
        assert key.load(str(expected)) == value
