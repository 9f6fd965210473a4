"""The arithmetic of progress: never more than is true, never 100 % before the end."""

from fractions import Fraction

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
        whole = Counts.over(parts)
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


class TestPace:
    @given(TIMES)
    def test_two_marks_are_kept_that_span_the_last_20_seconds_or_so(self, times: list[tuple[int, int]]) -> None:
        marks: list[list[int]] = []
        now = processed = 0
        for later, more in times:
            now, processed = now + later, processed + more
            marks = keep_pace(marks, now, processed)
            assert 1 <= len(marks) <= 2
            assert now - marks[-1][0] < 10_000
            if len(marks) == 2:
                assert marks[1][0] - marks[0][0] >= 10_000

    @given(TIMES)
    def test_the_marks_given_are_left_as_they_are(self, times: list[tuple[int, int]]) -> None:
        marks = [[0, 0], [10_000, 100]]
        now = 10_000
        for later, _ in times:
            now += later
            keep_pace(marks, now, 200)
        assert marks == [[0, 0], [10_000, 100]]

    @given(TIMES)
    def test_the_rate_lies_between_the_slowest_and_the_fastest_stretch(self, times: list[tuple[int, int]]) -> None:
        marks: list[list[int]] = []
        now = processed = 0
        stretches = []
        for later, more in times:
            now, processed = now + later, processed + more
            stretches.append(more * 1000 / later if later else float("inf"))
            found = rate(marks, now, processed)
            marks = keep_pace(marks, now, processed)
            if found is not None:
                assert min(stretches) - 1e-9 <= found <= max(stretches) + 1e-9

    def test_there_is_no_rate_before_time_has_passed_or_when_the_clock_has_jumped_back(self) -> None:
        assert rate([], 1_000, 5) is None
        assert rate([[1_000, 0]], 1_000, 5) is None
        assert rate([[1_000, 0]], 900, 5) is None

    def test_it_is_items_per_second_since_the_older_mark(self) -> None:
        assert rate([[0, 100], [10_000, 300]], 20_000, 600) == 25.0

    def test_a_count_that_has_fallen_is_no_negative_rate(self) -> None:
        assert rate([[0, 100]], 1_000, 50) == 0.0


class TestTimeLeft:
    @given(counts(), TOTALS, st.floats(0.1, 1e6), st.integers(0, 10**9))
    def test_it_is_what_is_left_at_this_rate(self, whole: Counts, total: int, speed: float, worked_ms: int) -> None:
        left = eta_seconds(whole, total, speed, worked_ms)
        if left is not None:
            assert left >= 0
            assert abs(left - max(0, total - whole.processed) / speed) <= max(1, left * 1e-9)

    @pytest.mark.parametrize(
        ("processed", "total", "speed", "worked_ms", "left"),
        [
            (20, 2_000, 10.0, 5_000, 198),
            (19, 1_900, 10.0, 5_000, None),  # fewer than 20 items
            (20, 2_001, 10.0, 5_000, None),  # less than 1 %
            (20, 2_000, 10.0, 4_999, None),  # less than 5 s
            (20, None, 10.0, 5_000, None),
            (20, 2_000, None, 5_000, None),
            (20, 2_000, 0.0, 5_000, None),
            (30, 20, 10.0, 5_000, 0),  # more came than had been counted
        ],
    )
    def test_it_is_unknown_until_it_means_something(
        self, processed: int, total: int | None, speed: float | None, worked_ms: int, left: int | None
    ) -> None:
        assert eta_seconds(Counts(succeeded=processed), total, speed, worked_ms) == left
