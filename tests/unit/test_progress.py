"""The arithmetic of progress: never more than is true, never 100 % before the end."""

from collections.abc import Iterable
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from headway.states import Counts, Event, eta_seconds, keep_pace, percent, rate

AMOUNTS = st.integers(0, 10**19)
TOTALS = st.integers(1, 10**19)
TIMES = st.lists(st.tuples(st.integers(0, 30_000), st.integers(0, 500)), max_size=40)
"""How many ms after the one before, and how many items by then."""


def counts() -> st.SearchStrategy[Counts]:
    return st.builds(Counts, AMOUNTS, AMOUNTS, AMOUNTS)


class TestPercent:
    @given(AMOUNTS, TOTALS)
    def test_it_is_rounded_down_to_a_tenth(self, processed: int, total: int) -> None:
        assume(processed < total)
        found = percent(processed, total, done=False)
        assert found is not None
        exact = Fraction(processed * 100, total)
        tenths = Fraction(round(found * 10), 10)
        assert tenths <= exact < tenths + Fraction(1, 10)

    @given(AMOUNTS, TOTALS)
    def test_it_is_never_100_before_the_run_is_done(self, processed: int, total: int) -> None:
        assert (percent(processed, total, done=False) or 0) <= 99.9

    @given(AMOUNTS, TOTALS)
    @example(10**17 - 1, 10**17)  # a quotient that a float would round up
    def test_a_cancelled_run_is_at_100_only_if_nothing_was_left(self, processed: int, total: int) -> None:
        assume(processed <= total)
        assert (percent(processed, total, done=True) == 100.0) == (processed == total)

    @given(AMOUNTS, AMOUNTS, TOTALS, st.booleans())
    def test_it_never_falls_while_the_count_grows(self, less: int, more: int, total: int, done: bool) -> None:
        less, more = sorted([less, more])
        assert (percent(less, total, done=done) or 0) <= (percent(more, total, done=done) or 0)

    @pytest.mark.parametrize("total", [None, 0])
    def test_it_is_unknown_while_the_total_is(self, total: int | None) -> None:
        assert percent(0, total, done=False) is None
        assert percent(5, total, done=False) is None

    def test_an_empty_run_is_at_100_once_it_is_done(self) -> None:
        assert percent(0, 0, done=True) == 100.0

    def test_the_contracts_example(self) -> None:
        assert percent(1204, 28298, done=False) == 4.2


class TestCounts:
    @given(st.lists(counts(), max_size=5))
    def test_a_run_has_what_its_parts_have(self, parts: list[Counts]) -> None:
        whole = sum(parts, Counts())
        assert whole.processed == sum(part.processed for part in parts)
        assert whole.failed == sum(part.failed for part in parts)

    @given(counts())
    def test_a_run_ends_as_its_counts_say(self, whole: Counts) -> None:
        clean, some, all_failed = Event.FINISH_CLEAN, Event.FINISH_SOME_FAILED, Event.FINISH_ALL_FAILED
        assert (whole.finish == clean) == (whole.failed == 0)
        assert (whole.finish == some) == (whole.failed > 0 and whole.succeeded > 0)
        assert (whole.finish == all_failed) == (whole.failed > 0 and whole.succeeded == 0)

    @pytest.mark.parametrize(
        ("whole", "event"),
        [
            (Counts(), Event.FINISH_CLEAN),
            (Counts(skipped=3), Event.FINISH_CLEAN),
            (Counts(succeeded=1, failed=1), Event.FINISH_SOME_FAILED),
            (Counts(failed=1), Event.FINISH_ALL_FAILED),
            (Counts(failed=1, skipped=2), Event.FINISH_ALL_FAILED),
        ],
    )
    def test_skipped_items_count_neither_way(self, whole: Counts, event: Event) -> None:
        assert whole.finish == event


def worked(times: Iterable[tuple[int, int]]) -> tuple[list[list[int]], list[tuple[int, int]]]:
    """The marks of a part, and the steps of which they were made: [ms, items by then]."""
    marks: list[list[int]] = []
    steps = []
    now = processed = 0
    for later, more in times:
        now, processed = now + later, processed + more
        marks = keep_pace(marks, now, processed)
        steps.append((now, processed))
    return marks, steps


def steady(seconds: int, each_second: float, since: int = 0) -> list[list[int]]:
    """The marks of a part with a checkpoint a second."""
    marks: list[list[int]] = []
    for second in range(seconds + 1):
        marks = keep_pace(marks, since + second * 1000, round(second * each_second))
    return marks


class TestPace:
    @given(TIMES)
    def test_marks_are_steps_that_were_taken_and_the_last_is_the_newest(self, times: list[tuple[int, int]]) -> None:
        marks, steps = worked(times)
        assert {tuple(mark) for mark in marks} <= set(steps)
        assert [tuple(mark) for mark in marks[-1:]] == steps[-1:]
        assert all(before[0] < after[0] for before, after in pairwise(marks))

    @given(TIMES)
    def test_the_last_20_seconds_are_known_within_10(self, times: list[tuple[int, int]]) -> None:
        marks, steps = worked(times)
        lately = [mark[0] for mark in marks if mark[0] > marks[-1][0] - 20_000]
        known = [at for at, _ in steps if at > marks[-1][0] - 20_000]
        assert all(any(abs(at - mark) <= 20_000 for mark in lately) for at in known)

    def test_there_are_about_a_dozen_however_long_it_takes(self) -> None:
        assert len(steady(20_000, 3)) <= 14

    def test_the_marks_given_are_left_as_they_are(self) -> None:
        marks = [[0, 0], [10_000, 100]]
        keep_pace(marks, 20_000, 200)
        assert marks == [[0, 0], [10_000, 100]]

    def test_a_clock_that_was_set_back_leaves_no_mark_in_the_future(self) -> None:
        assert keep_pace([[0, 0], [10_000, 100]], 5_000, 120) == [[0, 0], [5_000, 120]]

    @given(TIMES)
    def test_the_rate_lies_between_the_slowest_and_the_fastest_stretch(self, times: list[tuple[int, int]]) -> None:
        marks, steps = worked(times)
        stretches = [
            (after - before) * 1000 / (until - since)
            for (since, before), (until, after) in pairwise(steps)
            if until > since
        ]
        found = rate([marks], steps[-1][0]) if steps else None
        if found is not None and stretches and len({at for at, _ in steps}) == len(steps):
            assert min(stretches) - 1e-6 <= found <= max(stretches) + 1e-6

    def test_there_is_no_rate_before_time_has_passed_or_when_the_clock_has_jumped_back(self) -> None:
        assert rate([], 1_000) is None
        assert rate([[]], 1_000) is None
        assert rate([[[1_000, 0]]], 1_000) is None
        assert rate([[[1_000, 0]]], 900) is None

    def test_it_is_items_per_second_over_the_last_20(self) -> None:
        assert rate([[[0, 100], [10_000, 300], [20_000, 600]]], 20_000) == 25.0
        assert rate([[[0, 0], [10_000, 5_000], [30_000, 5_400]]], 30_000) == 20.0

    def test_parts_that_are_closed_or_idle_count_what_they_did_and_no_more(self) -> None:
        closed, idle, owned = steady(10, 600), steady(20, 400), steady(40, 415)
        assert rate([closed, idle, owned], 40_000) == pytest.approx(415)
        assert rate([closed, idle], 60_000) == 0.0

    def test_a_part_that_began_late_had_done_nothing_before(self) -> None:
        assert rate([steady(40, 100), steady(10, 100, since=30_000)], 40_000) == pytest.approx(150)

    def test_where_an_item_may_begin_only_every_minute_it_is_one_a_minute_all_the_time(self) -> None:
        marks = [[minute * 60_000, minute] for minute in range(10)]
        for seconds in (5, 25, 45, 59):
            now_ms = marks[-1][0] + seconds * 1_000
            found = rate([marks], now_ms, interval_ms=60_000)
            assert found is not None
            assert 1 / 90 <= found <= 1 / 60
        assert rate([marks], marks[-1][0] + 45_000) == 0.0

    def test_a_count_that_has_fallen_is_no_negative_rate(self) -> None:
        assert rate([[[0, 100], [1_000, 50]]], 1_000) == 0.0


class TestTimeLeft:
    @given(st.integers(1, 400), st.floats(0.5, 5_000), st.integers(0, 30))
    def test_at_an_even_pace_it_is_what_is_left(self, seconds: int, speed: float, since: int) -> None:
        marks, total = steady(seconds, speed, since), round(1_000 * speed)
        left = eta_seconds([marks], since + seconds * 1000, Counts(marks[-1][1]), total)
        if left is not None:
            assert left == pytest.approx(1_000 - seconds, rel=0.15, abs=2)
            lately = rate([marks], since + seconds * 1000)
            assert lately
            assert left == pytest.approx((total - marks[-1][1]) / lately, rel=0.2, abs=2)

    @given(TIMES, st.integers(1, 30_000))
    def test_it_is_never_none_left_while_something_is(self, times: list[tuple[int, int]], total: int) -> None:
        marks, steps = worked(times)
        for at, processed in steps:
            left = eta_seconds([marks], at, Counts(processed), total)
            assert left is None or (left >= 1 and processed < total)

    def test_between_two_estimates_it_counts_down(self) -> None:
        marks = steady(100, 50)
        found = [eta_seconds([marks], 100_000 + ms, Counts(5_000), 50_000) for ms in range(0, 6_000, 1_000)]
        assert all(before is not None and after == before - 1 for before, after in pairwise(found))

    def test_what_has_changed_much_is_told_at_once(self) -> None:
        marks = [*steady(30, 50), [32_000, 9_000]]
        left = eta_seconds([marks], 32_000, Counts(9_000), 10_000)
        assert left is not None
        assert left < 10

    def test_a_rest_is_not_counted_since_resuming_clears_the_marks(self) -> None:
        marks = [[1_000_000 + mark[0], 5_000 + mark[1]] for mark in steady(20, 50)]
        assert eta_seconds([marks], 1_020_000, Counts(6_000), 7_000) == pytest.approx(20, abs=2)

    def test_what_a_part_without_marks_has_done_is_not_left(self) -> None:
        """Its pace is measured anew: another worker has just taken it over."""
        alone = eta_seconds([steady(100, 50)], 100_000, Counts(5_000), 8_000)
        assert alone == pytest.approx(60, abs=2)
        assert eta_seconds([steady(100, 50), []], 100_000, Counts(5_000 + 4_000), 8_000 + 4_000) == alone

    @pytest.mark.parametrize(
        ("processed", "total", "seconds", "known"),
        [
            (20, 2_000, 5, True),
            (19, 1_900, 5, False),  # fewer than 20 items
            (20, 2_001, 5, False),  # less than 1 %
            (20, 2_000, 4, False),  # less than 5 s
            (20, None, 5, False),
            (20, 20, 5, False),  # nothing is left but to finish
        ],
    )
    def test_it_is_unknown_until_it_means_something(
        self, processed: int, total: int | None, seconds: int, known: bool
    ) -> None:
        marks = [[0, 0], [seconds * 1000, processed]]
        assert (eta_seconds([marks], seconds * 1000, Counts(processed), total) is not None) == known

    def test_it_is_unknown_while_nothing_moves(self) -> None:
        assert eta_seconds([[[0, 30], [60_000, 30]]], 60_000, Counts(30), 300) is None
