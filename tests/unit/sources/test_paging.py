"""A page is as long as its reader asks for, and the next one begins behind the last row used."""

from headway.operations.sources.paging import paged


def test_each_page_is_as_long_as_is_asked_for_by_then_and_nothing_is_lost_between_them() -> None:
    limits = iter([8, 100, 1, 2000, 2000])
    asked = []

    def page(after: int, limit: int) -> list[tuple[int, str]]:
        asked.append((after, limit))
        return [(number, str(number)) for number in range(after + 1, min(after + limit, 500) + 1)]

    assert list(paged(page, 10, lambda: next(limits))) == [(number, str(number)) for number in range(11, 501)]
    assert asked == [(10, 8), (18, 100), (118, 1), (119, 2000), (500, 2000)]
