"""A selection gives exactly the rows that were selected, and says which of them are gone."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import QuerySet

from headway.operations import sources
from headway.operations.sources import Source
from tests.app.models import Tagged, Thing

from .contract import Listed, assert_keeps_its_promises, attached, shape


def selected(queryset: QuerySet[Thing]) -> Callable[[], Source[Any]]:
    return attached(lambda: sources.selection(queryset))


def things(count: int) -> list[Thing]:
    return Thing.objects.bulk_create(Thing(name=f"Thing {n}", code=f"c-{n:04}") for n in range(count))


@pytest.mark.django_db
class TestSelection:
    def test_rows_come_in_the_order_in_which_they_were_selected(self) -> None:
        one, two = things(2)
        make = selected(Thing.objects.order_by("-code"))
        source = make()
        bounds = source.freeze()
        assert bounds == {"count": 2}
        assert list(source.read(bounds, None)) == [(1, str(two.pk), two), (2, str(one.pk), one)]
        assert source.label(one) == "Thing 0"

    def test_the_promises_are_kept_over_many_pages(self) -> None:
        things(120)
        assert len(assert_keeps_its_promises(selected(Thing.objects.filter(code__lt="c-0110")))) == 110

    def test_an_empty_selection_gives_nothing(self) -> None:
        assert assert_keeps_its_promises(selected(Thing.objects.none())) == []

    def test_a_row_that_stops_matching_stays_selected(self) -> None:
        things(2)
        source = selected(Thing.objects.filter(name="Thing 0"))()
        bounds = source.freeze()
        Thing.objects.update(name="Renamed")
        assert [source.label(item) for _, _, item in source.read(bounds, None)] == ["Renamed"]

    def test_a_row_that_was_deleted_is_there_as_gone(self) -> None:
        one, two = things(2)
        pk = one.pk
        source = selected(Thing.objects.order_by("pk"))()
        bounds = source.freeze()
        one.delete()
        gone, (_, _, there) = source.read(bounds, None)
        assert (gone[0], gone[1], shape(gone[2])) == (
            1,
            str(pk),
            ("gone", "It isn't there any more.", f"thing {pk}"),
        )
        assert source.label(gone[2]) == f"thing {pk}"
        assert there == two
        assert source.count(bounds) == 2
        assert list(source.fetch([str(pk), str(two.pk)])) == [(str(two.pk), two)]

    def test_random_keys_can_be_selected(self) -> None:
        rows = [Tagged.objects.create() for _ in range(3)]
        source = sources.selection(Tagged.objects.order_by("pk"))
        source.attach(Listed())
        assert {key for _, key, _ in source.read(source.freeze(), None)} == {str(row.pk) for row in rows}

    def test_a_key_may_be_written_as_the_database_writes_it(self) -> None:
        row = Tagged.objects.create()
        kept = Listed()
        kept.keys = [row.pk.hex]
        source = sources.selection(Tagged.objects.all())
        source.attach(kept)
        assert list(source.read({"count": 1}, None)) == [(1, row.pk.hex, row)]


def test_what_is_no_queryset_of_instances_is_refused() -> None:
    with pytest.raises(ValueError, match="gives values, not instances"):
        sources.selection(Thing.objects.values("pk"))  # type: ignore[type-var]
    with pytest.raises(TypeError, match="is not a queryset"):
        sources.selection([1, 2])  # type: ignore[arg-type]
