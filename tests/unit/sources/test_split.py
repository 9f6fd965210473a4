"""A source that can be split loses no item at a boundary and doubles none. (The contract holds it for any items.)"""

import io
from itertools import pairwise
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.test.utils import CaptureQueriesContext

from headway.operations import sources
from tests.app.models import Tagged, Thing

from .contract import assert_its_parts_are_the_whole, shape


def things(count: int) -> list[Thing]:
    return Thing.objects.bulk_create(Thing(name=f"Thing {n}", code=f"c-{n:05}") for n in range(count))


def sizes(source: Any, parts: Any) -> list[int]:
    return [len(list(source.read(part, None))) for part in parts]


@pytest.mark.django_db
class TestQueryset:
    def test_parts_are_of_one_size(self) -> None:
        things(1_003)
        source = sources.queryset(Thing.objects.all())
        assert sizes(source, source.split(source.freeze(), 4)) == [251, 251, 251, 250]

    def test_each_step_begins_behind_the_last_one(self) -> None:
        things(10_000)
        source = sources.queryset(Thing.objects.all(), key="code")
        bounds = source.freeze()
        with CaptureQueriesContext(connection) as queries:
            parts = source.split(bounds, 5)
        assert [part["last"] for part in parts] == ["c-01999", "c-03999", "c-05999", "c-07999", "c-09999"]  # type: ignore
        assert [part.get("above") for part in parts] == [None, *(part["last"] for part in parts[:-1])]  # type: ignore
        statements = [query["sql"] for query in queries]
        assert len(statements) == 5  # the count, and one for each boundary
        assert all("OFFSET 1999" in statement for statement in statements[1:])

    @pytest.mark.parametrize(("rows", "parts"), [(0, [0]), (1, [1]), (3, [1, 1, 1]), (9, [2, 2, 2, 2, 1])])
    def test_where_there_are_few_rows_there_are_no_more_parts_than_rows(self, rows: int, parts: list[int]) -> None:
        things(rows)
        source = sources.queryset(Thing.objects.all())
        assert sizes(source, source.split(source.freeze(), 8 if rows < 9 else 5)) == parts

    def test_a_row_at_a_boundary_may_go_and_come_and_costs_no_other(self) -> None:
        rows = things(8)
        source = sources.queryset(Thing.objects.all(), key="code")
        parts = source.split(source.freeze(), 4)
        rows[1].delete()  # the last of the first part
        Thing.objects.create(name="Between", code="c-00003b")  # just behind the second's
        codes = [[item.code for _, _, item in source.read(part, None)] for part in parts]
        assert codes == [
            ["c-00000"],
            ["c-00002", "c-00003"],
            ["c-00003b", "c-00004", "c-00005"],
            ["c-00006", "c-00007"],
        ]

    def test_rows_that_a_join_gives_several_times_are_counted_once(self) -> None:
        kind = ContentType.objects.create(app_label="tests", model="made-up")
        made = [Permission.objects.create(codename=f"p{n}", content_type=kind, name="p") for n in range(3)]
        for n in range(6):
            Group.objects.create(name=f"g{n}").permissions.set(made[: 1 + n % 3])
        source = sources.queryset(Group.objects.filter(permissions__codename__startswith="p"))
        assert sizes(source, source.split(source.freeze(), 3)) == [2, 2, 2]

    def test_random_keys_are_split_in_their_own_order(self) -> None:
        Tagged.objects.bulk_create(Tagged() for _ in range(100))
        source = sources.queryset(Tagged.objects.all())
        bounds = source.freeze()
        entries = [(cursor, key, shape(item)) for cursor, key, item in source.read(bounds, None)]
        assert_its_parts_are_the_whole(source, bounds, 7, entries)


class TestNdjson:
    def test_a_part_begins_where_a_line_does_and_knows_its_number(self) -> None:
        lines = [b'{"n": %d}\n' % n for n in range(1_000)]
        source = sources.ndjson(io.BytesIO(b"".join(lines)))
        parts: Any = source.split(source.freeze(), 4)
        assert [part["size"] for part in parts[:-1]] == [part["start"] for part in parts[1:]]
        read = [[(item["n"], item.line) for _, _, item in source.read(part, None)] for part in parts]  # type: ignore
        assert [entry for part in read for entry in part] == [(n, n + 1) for n in range(1_000)]
        assert all(200 < len(part) < 300 for part in read)

    def test_half_a_character_is_no_line_end(self) -> None:
        content = '{"a": "\u0a0a\u0a0a\u0a0a\u0a0a"}\n{"a": "\u0d0a"}\n'.encode("utf-16")
        source = sources.ndjson(io.BytesIO(content))
        bounds = source.freeze()
        whole = [(key, item) for _, key, item in source.read(bounds, None)]
        for n in range(1, len(content)):
            parts: Any = source.split(bounds, n)
            assert [(key, item) for part in parts for _, key, item in source.read(part, None)] == whole

    def test_one_line_can_not_be_divided(self) -> None:
        source = sources.ndjson(io.BytesIO(b'{"a": "' + b"x" * 200_000 + b'"}'))
        bounds: Any = source.freeze()
        assert source.split(bounds, 8) == [{"start": 0, "size": bounds["size"]}]

    def test_what_is_appended_later_lies_beyond_the_last_part(self) -> None:
        file = io.BytesIO(b"{}\n{}\n{}\n")
        source = sources.ndjson(file)
        parts: Any = source.split(source.freeze(), 2)
        assert [part["size"] for part in parts] == [6, 9]


class TestSelection:
    def test_parts_are_ranges_of_its_numbers(self) -> None:
        source = sources.selection(Thing.objects.all())
        assert source.split({"count": 10}, 3) == [
            {"above": 0, "count": 3},
            {"above": 3, "count": 3},
            {"above": 6, "count": 4},
        ]
        parts = source.split({"count": 2}, 3)
        assert [part["count"] for part in parts] == [1, 1]  # type: ignore
        assert source.split({"count": 0}, 3) == [{"count": 0}]


def test_a_csv_file_is_never_split_because_a_line_end_may_lie_between_quotation_marks() -> None:
    source = sources.csv(io.BytesIO(b'a\n"1\n2"\n'))
    assert not source.can_split()
    with pytest.raises(NotImplementedError, match="CsvSource can't be split"):
        source.split(source.freeze(), 2)


def test_boundaries_are_in_order_whatever_the_number_of_parts() -> None:
    source = sources.ndjson(io.BytesIO(b"{}\n" * 37))
    for n in range(1, 60):
        parts: Any = source.split(source.freeze(), n)
        assert all(one["size"] == other["start"] for one, other in pairwise(parts))
        assert len(parts) <= min(n, 37)
