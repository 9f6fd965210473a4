"""The arithmetic of a rate: whoever reserves and takes, no more items begin than the rate and one burst allow."""

from itertools import combinations
from typing import Any, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headway.operations.rates import UNITS_US, Rate
from headway.runner.allowance import GATHER, LATE, SPAN, Moments
from headway.store.parts.rates import SLACK_US

SLACK = SLACK_US / 1_000_000
INTERVALS = st.sampled_from([0.0001, 0.002, 0.02, 0.25, 1.0, 60.0])
PACES = st.floats(0, 5, allow_nan=False)
A_LITTLE = 1e-9  # s that a sum of floats may be off


class Step(NamedTuple):
    """What one of the workers does, so many intervals after the step before."""

    later: float
    worker: int
    reserve: int
    """How many moments; 0: it takes one instead."""
    set_back: float
    """By how many intervals the database's clock is set back first."""


STEPS = st.lists(
    st.builds(
        Step,
        later=st.sampled_from([0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 3.0, 500.0]),
        worker=st.integers(0, 2),
        reserve=st.sampled_from([0, 0, 0, 0, 1, 10]),
        set_back=st.sampled_from([0.0, 0.0, 0.0, 5.0, 1_000.0]),
    ),
    min_size=20,
    max_size=100,
)


def begun(interval: float, steps: list[Step]) -> list[float]:
    """When items begin, where the moments are given away as `store.parts.rates.reserve` says it in SQL."""
    workers = [Moments(interval) for _ in range(4)]
    now = free_at = offset = 0.0
    taken = []
    for step in steps:
        now += step.later * interval
        offset -= step.set_back * interval
        worker = workers[step.worker]
        if step.reserve:
            by_database = now + offset
            first = max(free_at, by_database - SLACK)
            free_at = first + step.reserve * interval
            worker.drop_late(now)
            if not worker.held:
                worker.add(now + first - by_database, step.reserve)
        elif worker.take(now) is not None:
            taken.append(now)
    return taken


@given(INTERVALS, STEPS)
def test_within_any_time_no_more_items_begin_than_the_rate_and_one_burst_allow(
    interval: float, steps: list[Step]
) -> None:
    taken = begun(interval, steps)
    for first, last in combinations(range(len(taken)), 2):
        seconds = taken[last] - taken[first] + max(LATE, interval / 4)
        assert last - first + 1 <= (seconds + A_LITTLE) / interval + 1


@given(INTERVALS, st.integers(1, 100), st.floats(0, 100, allow_nan=False))
def test_a_moment_that_is_late_is_dropped_and_one_that_is_still_to_come_is_kept(
    interval: float, count: int, now: float
) -> None:
    moments = Moments(interval)
    moments.add(0.0, count)
    due = moments.due(now)
    assert due == sum(now - moments.late <= place * interval <= now for place in range(count))
    assert len(moments.held) == sum(now - moments.late <= place * interval for place in range(count))


@given(INTERVALS, PACES)
def test_a_worker_reserves_what_it_can_use_before_any_of_it_is_late(interval: float, pace: float) -> None:
    count = Moments(interval).worth_reserving(pace)
    assert count >= 1
    assert (count - 1) * max(pace, interval) <= SPAN <= LATE


@given(INTERVALS, PACES)
def test_items_that_take_long_are_not_kept_waiting_for_others(interval: float, pace: float) -> None:
    moments = Moments(interval)
    moments.add(0.0, 100)
    assert moments.due_at(moments.together(pace)) <= GATHER
    if pace > GATHER / 2:
        assert moments.due_at(moments.together(pace)) == 0.0


@given(st.integers(1, 10_000), st.sampled_from(list(UNITS_US)))
def test_a_rate_is_never_passed_by_rounding_and_kept_to_a_hundredth(count: int, unit: str) -> None:
    interval = Rate(f"{count}/{unit}").interval_us
    assert count * interval >= UNITS_US[unit]
    assert count * interval <= UNITS_US[unit] * 1.01


@pytest.mark.parametrize(
    ("text", "interval_us"), [("50/s", 20_000), ("100/min", 600_000), ("1000/h", 3_600_000), ("500/d", 172_800_000)]
)
def test_it_is_said_by_the_second_the_minute_the_hour_or_the_day(text: str, interval_us: int) -> None:
    assert Rate(text).interval_us == interval_us


@pytest.mark.parametrize("name", [7, "x" * 201])
def test_the_name_that_operations_share_is_text_of_200_characters_at_most(name: Any) -> None:
    with pytest.raises(ValueError, match="it must be text of at most 200 characters"):
        Rate("50/s", name=name)
