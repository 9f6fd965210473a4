"""What `items()` may give in place of a source: a queryset, a list, a range, or pairs that it yields."""

import random
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal
from typing import Any
from unittest import mock
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.errors import ChangedMeanwhile
from headway.operations import sources
from headway.operations.sources import Source, by_pairs
from headway.operations.sources.by_key import QuerysetSource
from headway.operations.sources.given import source_given
from tests.app.models import Child, Thing

from .contract import Listed, assert_keeps_its_promises, attached, frozen, shape

plain = st.one_of(
    st.integers(), st.text(max_size=5), st.dates(), st.uuids(), st.booleans(), st.decimals(allow_nan=False)
)
rows = st.dictionaries(st.sampled_from("abc"), st.one_of(plain, st.none(), st.lists(st.integers(), max_size=2)))


def source(items: Callable[[], Any], kept: Listed | None = None) -> Source[Any]:
    made = source_given(items, "app.operation")
    made.attach(kept or Listed())
    return made


def made(items: Callable[[], Any]) -> Callable[[], Source[Any]]:
    return attached(lambda: source_given(items, "app.operation"))


def read(of: Source[Any], bounds: Any, after: Any = None) -> list[Any]:
    return [shape(item) for _, _, item in of.read(bounds, after)]


class TestList:
    def test_plain_values_are_their_own_keys(self) -> None:
        values = ["a", 1, UUID(int=5), date(2026, 1, 2), Decimal("1.50"), True]
        entries = assert_keeps_its_promises(made(lambda: values))
        assert [key for _, key, _ in entries] == ["a", "1", str(UUID(int=5)), "2026-01-02", "1.50", "True"]
        assert [item for _, _, item in entries] == values

    @given(st.lists(st.one_of(plain, rows), max_size=30))
    def test_whatever_the_list_holds_the_promises_are_kept(self, items: list[Any]) -> None:
        items = [item for item in items if not (isinstance(item, str) and (not item or "\0" in item))]
        entries = assert_keeps_its_promises(made(lambda: items))
        assert [item for _, _, item in entries] == items

    def test_equal_items_are_each_done(self) -> None:
        items: list[Any] = ["a", {"n": 1}, "a", {"n": 1}, "a#2", "a"]
        entries = assert_keeps_its_promises(made(lambda: items))
        assert [item for _, _, item in entries] == items

    def test_an_item_is_known_wherever_it_stands(self) -> None:
        kept = Listed()
        first = [{"n": number} for number in range(5)]
        bounds = frozen(source(lambda: first, kept))
        later = source(lambda: [{"n": 9}, *reversed(first[:3]), *first[4:]], kept)
        gone = kept.keys[3]
        assert read(later, bounds) == [
            {"n": 0},
            {"n": 1},
            {"n": 2},
            ("gone", "It isn't there any more.", gone),
            {"n": 4},
        ]

    def test_what_process_changes_is_a_copy(self) -> None:
        constant = [{"tags": ["a"]}]
        one = source(lambda: constant)
        bounds = frozen(one)
        next(iter(one.read(bounds, None)))[2]["tags"].append("b")
        assert read(one, bounds) == [{"tags": ["a"]}]

    def test_what_the_next_worker_could_not_tell_is_refused_with_a_way_out(self) -> None:
        with pytest.raises(TypeError, match=r"couldn't tell from others .*yield pairs in place of the list"):
            frozen(source(lambda: [object()]))
        with pytest.raises(ValueError, match="characters that no database keeps"):
            frozen(source(lambda: ["a\0b"]))

    def test_an_empty_list_has_nothing_to_do(self) -> None:
        assert assert_keeps_its_promises(made(list)) == []

    @pytest.mark.django_db
    @pytest.mark.slow
    def test_a_list_of_rows_is_a_selection_of_them_so_each_is_read_in_its_turn(self) -> None:
        things = [Thing.objects.create(name="old", code=f"c-{number}") for number in range(4)]
        chosen = [things[2], things[0], things[2], things[3]]
        kept = Listed()
        one = source(lambda: chosen, kept)
        bounds = frozen(one)
        Thing.objects.update(name="new")
        things[3].delete()
        later = source(lambda: chosen, kept)
        assert later.may_change
        found = [item for _, _, item in later.read(bounds, None)]
        assert [item.code for item in found] == ["c-2", "c-0", "gone"]
        assert found[0].name == "new"

    @pytest.mark.django_db
    def test_rows_of_several_models_and_unsaved_ones_are_refused(self) -> None:
        thing = Thing.objects.create(name="a", code="a")
        with pytest.raises(ValueError, match="a Child among instances of Thing"):
            frozen(source(lambda: [thing, Child.objects.create(thing=thing)]))
        with pytest.raises(ValueError, match="Save it first"):
            frozen(source(lambda: [thing, Thing(name="b", code="b")]))


class TestRange:
    @given(st.integers(-20, 20), st.integers(-20, 20), st.integers(-5, 5).filter(bool))
    def test_whatever_the_range_the_promises_are_kept(self, start: int, stop: int, step: int) -> None:
        entries = assert_keeps_its_promises(made(lambda: range(start, stop, step)))
        assert [item for _, _, item in entries] == list(range(start, stop, step))

    def test_a_thousand_million_numbers_cost_nothing(self) -> None:
        one = source(lambda: range(10**9))
        bounds = frozen(one)
        assert one.count(bounds) == 10**9
        assert next(iter(one.read(bounds, 10**9 - 2)))[2] == 10**9 - 1

    def test_it_stays_as_it_was_at_the_start(self) -> None:
        bounds = frozen(source(lambda: range(3)))
        assert read(source(lambda: range(5)), bounds) == [0, 1, 2]


class TestPairs:
    def test_keys_may_be_text_numbers_or_uuids(self) -> None:
        def items() -> Iterator[tuple[Any, str]]:
            yield from (("a", "A"), (1, "B"), (UUID(int=5), "C"))

        entries = assert_keeps_its_promises(made(items))
        assert [(key, item) for _, key, item in entries] == [("a", "A"), ("1", "B"), (str(UUID(int=5)), "C")]

    def test_many_pairs_keep_the_promises(self) -> None:
        assert len(assert_keeps_its_promises(made(lambda: ((n, -n) for n in range(60))))) == 60

    @given(data=st.data())
    def test_whatever_becomes_of_the_pairs_each_key_is_done_once_or_told_as_gone(self, data: st.DataObject) -> None:
        keys = data.draw(st.lists(st.integers(0, 99), unique=True, max_size=25))
        kept = Listed()
        bounds = frozen(source(lambda: ((key, key) for key in keys), kept))
        ended: list[tuple[str, Any]] = []
        after = None
        with mock.patch.object(by_pairs, "AT_ONCE", data.draw(st.integers(1, 7))):
            while True:  # each worker finds others, does some of them, and dies
                now = data.draw(st.permutations(keys)) if data.draw(st.booleans()) else list(keys)
                now = [key for key in now if data.draw(st.integers(0, 9))] + [-1, 100]
                worker = source(lambda now=now: ((key, key) for key in now), kept)
                rest = list(worker.read(bounds, after))
                some = rest[: data.draw(st.integers(1, 10))]
                ended += [(key, shape(item)) for _, key, item in some]
                if len(some) == len(rest):
                    break
                after = some[-1][0]
        assert sorted(key for key, _ in ended) == sorted(map(str, keys))
        assert all(item in (int(key), ("gone", "It isn't there any more.", key)) for key, item in ended)

    def test_another_order_pauses_the_run_before_anything_is_told_as_gone(self) -> None:
        kept = Listed()
        bounds = frozen(source(lambda: ((key, key) for key in range(3_000)), kept))
        shuffled = list(range(3_000))
        random.Random(1).shuffle(shuffled)
        given: list[Any] = []
        with pytest.raises(ChangedMeanwhile, match=r"missing now, or come in another order\. It must"):
            given.extend(source(lambda: ((key, key) for key in shuffled), kept).read(bounds, None))
        assert all(key == str(item) for _, key, item in given)

    def test_an_end_that_comes_too_soon_pauses_the_run(self) -> None:
        kept = Listed()
        bounds = frozen(source(lambda: ((key, key) for key in range(3_000)), kept))
        with pytest.raises(ChangedMeanwhile, match=r"Of the 3,000 keys .* 2,990 are missing"):
            list(source(lambda: ((key, key) for key in range(10)), kept).read(bounds, None))

    def test_a_retry_goes_through_the_pairs_once_for_many_looks(self) -> None:
        walks: list[int] = []

        def items() -> Iterator[tuple[int, int]]:
            walks.append(0)
            for number in range(1_000):
                walks[-1] += 1
                yield number, number

        one = source(items)
        walks.clear()
        for start in range(0, 1_000, 100):
            assert [item for _, item in one.fetch([str(start), str(start + 7)])] == [start, start + 7]
        assert walks == [908]
        assert list(one.fetch(["3", "gone"])) == [("3", 3)]

    @pytest.mark.parametrize(
        ("pairs", "sentence"),
        [
            ([(1, "a"), (1, "b")], "yielded the key '1' twice"),
            (["ab"], "must give pairs"),
            ([(None, "a")], "gave None as a key, which is of type NoneType"),
            ([(1.5, "a")], "gave 1.5 as a key, which is of type float"),
            ([("", "a")], "a key of 0 characters"),
            ([("x" * 256, "a")], "a key of 256 characters"),
            ([("\udcff", "a")], "no database keeps"),
        ],
    )
    def test_what_is_no_pair_or_no_key_is_refused(self, pairs: list[Any], sentence: str) -> None:
        with pytest.raises((TypeError, ValueError), match=sentence):
            frozen(source(lambda: iter(pairs)))


class TestOthers:
    @pytest.mark.django_db
    def test_a_queryset_is_read_as_sources_queryset_does(self) -> None:
        Thing.objects.create(name="a", code="a")
        one = source(Thing.objects.all)
        assert isinstance(one, QuerysetSource)
        assert one.identity() == sources.queryset(Thing.objects.all()).identity()

    @pytest.mark.parametrize(
        ("given", "sentence"),
        [
            (None, r"app.operation: items\(\) gave None. Is a `return` missing\? It must give a source"),
            (5, r"items\(\) gave an object of type int. It must give a source"),
            (Thing, r"items\(\) gave an object of type ModelBase. Write Thing.objects.all\(\)."),
            ({"a": 1}, "`yield from` before it"),
            ({1}, r"Put sorted\(…\) around it"),
            (Thing.objects, r"Write .all\(\) behind it"),
            ("abc", "gave an object of type str"),
        ],
    )
    def test_what_can_be_no_source_is_refused_with_what_to_write(self, given: Any, sentence: str) -> None:
        with pytest.raises(TypeError, match=sentence):
            source_given(lambda: given, "app.operation")
