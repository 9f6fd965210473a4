"""An API that gives its items page by page: each item once, from wherever a page is taken up."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway import Wait
from headway.operations import sources

from .contract import as_stored, assert_keeps_its_promises


class Api:
    """Pages of so many items behind the last one's id, as most APIs have them."""

    def __init__(self, ids: list[int], size: int) -> None:
        self.ids, self.size = ids, size
        self.asked: list[Any] = []

    def page(self, cursor: Any) -> tuple[list[tuple[int, dict[str, int]]], Any]:
        self.asked.append(cursor)
        left = sorted(number for number in self.ids if cursor is None or number > cursor)
        page = left[: self.size]
        return [(number, {"id": number}) for number in page], page[-1] if len(left) > self.size else None


class Numbered(Api):
    """Pages by their number, in an order in which new items come first: the one that shifts."""

    def page(self, cursor: Any) -> tuple[list[tuple[int, dict[str, int]]], Any]:
        self.asked.append(cursor)
        number = cursor or 0
        rows = self.ids[number * self.size : (number + 1) * self.size]
        return [(each, {"id": each}) for each in rows], number + 1 if len(self.ids) > (number + 1) * self.size else None


def ids(entries: Any) -> list[int]:
    return [item["id"] for _, _, item in entries]


@given(st.integers(0, 30), st.integers(1, 7), st.sampled_from([Api, Numbered]))
def test_whatever_the_pages_the_promises_are_kept(count: int, size: int, kind: Any) -> None:
    entries = assert_keeps_its_promises(lambda: sources.pages(kind(list(range(count)), size).page))
    assert ids(entries) == list(range(count))


@given(st.data())
def test_whatever_is_deleted_or_inserted_around_a_cursor_no_item_is_done_twice_and_none_of_those_left_is_lost(
    data: st.DataObject,
) -> None:
    api = Api(data.draw(st.lists(st.integers(0, 60), unique=True, max_size=30)), data.draw(st.integers(1, 7)))
    done: list[int] = []
    after, at_first = None, set(api.ids)
    while True:
        rest = list(sources.pages(api.page).read(None, as_stored(after)))
        some = rest[: data.draw(st.integers(1, 8))]
        done += ids(some)
        if len(some) == len(rest):
            break
        after = some[-1][0]
        at_first -= (deleted := set(data.draw(st.lists(st.sampled_from(range(61)), max_size=3))))
        api.ids = sorted({*api.ids, *data.draw(st.lists(st.integers(0, 60), max_size=3))} - deleted)
    assert len(set(done)) == len(done)
    assert at_first <= set(done)


def test_an_item_that_shifts_onto_the_next_page_is_passed_over() -> None:
    api = Numbered([9, 8, 7, 6, 5, 4], 2)
    reading = sources.pages(api.page).read(None, None)
    done = [next(reading) for _ in range(2)]
    api.ids.insert(0, 10)
    assert ids(done + list(reading)) == [9, 8, 7, 6, 5, 4]
    resumed = sources.pages(Numbered([10, 9, 8, 7, 6, 5, 4], 2).page).read(None, as_stored(done[-1][0]))
    assert ids(resumed) == [7, 6, 5, 4]


def test_an_item_that_others_have_pushed_off_its_page_since_it_was_done_is_passed_over_on_the_next() -> None:
    api = Api([0, 1, 2, 5, 6, 7, 8], 7)
    done = list(sources.pages(api.page).read(None, None))[:6]
    api.ids = [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert ids(sources.pages(api.page).read(None, as_stored(done[-1][0]))) == [3, 4, 8]


def test_a_page_is_asked_for_only_when_the_one_before_it_is_done() -> None:
    api = Api(list(range(10)), 3)
    reading = sources.pages(api.page).read(None, None)
    for _ in range(3):
        next(reading)
    assert api.asked == [None]
    next(reading)
    assert api.asked == [None, 2]


def test_a_page_taken_up_in_its_midst_is_asked_for_once_more_and_those_before_it_are_not() -> None:
    api = Api(list(range(10)), 3)
    entries = list(sources.pages(api.page).read(None, None))
    api.asked.clear()
    assert ids(sources.pages(api.page).read(None, as_stored(entries[4][0]))) == [5, 6, 7, 8, 9]
    assert api.asked == [2, 5, 8]


def test_a_retry_asks_for_single_items_where_it_can_and_else_goes_through_the_pages() -> None:
    api = Api(list(range(10)), 3)
    single = sources.pages(api.page, get=lambda key: None if key == "4" else {"id": int(key)})
    assert list(single.fetch(["3", "4"])) == [("3", {"id": 3})]
    assert api.asked == []
    through = sources.pages(api.page)
    assert list(through.fetch(["1"])) == [("1", {"id": 1})]
    assert list(through.fetch(["5"])) == [("5", {"id": 5})]
    assert api.asked == [None, 2]


def test_empty_pages_in_between_are_passed_over() -> None:
    pages: dict[Any, Any] = {
        None: ([], "a"),
        "a": ([(1, {"id": 1})], "b"),
        "b": ([], "c"),
        "c": ([(2, {"id": 2})], None),
    }
    assert ids(assert_keeps_its_promises(lambda: sources.pages(lambda cursor: pages[cursor]))) == [1, 2]


def test_what_the_api_says_in_the_midst_is_raised_behind_what_came_before() -> None:
    def page(cursor: Any) -> Any:
        if cursor == 1:
            raise Wait(30, "It asks for a rest.")
        return [(number, {"id": number}) for number in range(3)], 1

    reading = sources.pages(page).read(None, None)
    assert ids([next(reading) for _ in range(3)]) == [0, 1, 2]
    with pytest.raises(Wait, match="a rest"):
        next(reading)


def refusals() -> list[tuple[Callable[[Any], Any], str]]:
    return [
        (lambda cursor: [1, 2], r"gave an object of type list; it must give the pairs of a page and the cursor"),
        (lambda cursor: ([{"id": 1}], None), r"of type dict\); it must give pairs"),
        (lambda cursor: ([(1, 1)], object()), r"as a cursor; it must be JSON"),
        (lambda cursor: ([(1, 1)], "a"), r"named 'a' as the page behind itself"),
    ]


@pytest.mark.parametrize(("page", "sentence"), refusals())
def test_what_is_no_page_is_refused(page: Any, sentence: str) -> None:
    with pytest.raises((TypeError, ValueError), match=sentence):
        list(sources.pages(page).read(None, None))
