"""A page is as big as can be used up while its rows are fresh."""

from unittest import mock

import pytest

from headway.operations.sources import pages
from headway.operations.sources.pages import paged, sized


@pytest.mark.parametrize(
    ("used", "seconds", "expected"),
    [(100, 0.5, 100), (100, 0.25, 200), (100, 0.001, 2000), (100, 0.0, 2000), (100, 5, 10), (1, 30, 1)],
)
def test_the_next_page_lasts_half_a_second(used: int, seconds: float, expected: int) -> None:
    assert sized(used, seconds) == expected


def test_pages_grow_while_rows_are_quick_and_nothing_is_lost_between_them() -> None:
    limits = []

    def page(after: int, limit: int) -> list[tuple[int, str]]:
        limits.append(limit)
        return [(number, str(number)) for number in range(after + 1, min(after + limit, 5000) + 1)]

    assert list(paged(page, 10)) == [(number, str(number)) for number in range(11, 5001)]
    assert limits == [100, 2000, 2000, 2000, 2000]


def test_the_rest_of_a_page_that_got_old_is_read_again() -> None:
    now = 0.0
    asked = []

    def page(after: int, limit: int) -> list[tuple[int, int]]:
        asked.append((after, limit))
        return [(number, number) for number in range(after + 1, min(after + limit, 20) + 1)]

    def clock() -> float:
        return now

    with mock.patch.object(pages, "monotonic", clock):
        for _ in paged(page, 0):
            now += 0.2  # an item's work
    assert asked == [(0, 100), (6, 2), (8, 2), (10, 2), (12, 2), (14, 2), (16, 2), (18, 2), (20, 2)]
