"""Words that people read: what adds up for them, adds up."""

import pytest

from headway.panel import words


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ((183, 17, 0), ["92%", "8%", "0%"]),
        ((0, 17, 183), ["0%", "9%", "91%"]),
        ((1, 1, 1), ["34%", "33%", "33%"]),
        ((999, 1, 0), [">99%", "<1%", "0%"]),
        ((7, 0, 0), ["100%", "0%", "0%"]),
        ((0, 7, 0), ["0%", "100%", "0%"]),
    ],
)
def test_shares_add_up(counts: tuple[int, ...], said: list[str]) -> None:
    assert words.shares(*counts) == said
