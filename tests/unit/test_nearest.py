"""The nearest airports are those that a comparison with all of them gives, ties included."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from example.airports.nearest import Index, Place
from tests.neighbours import bundled, by_brute_force

# Few latitudes and longitudes, so that many are equally far away; the poles and the date line among them.
degrees = st.sampled_from([-90.0, -45.5, -0.1, 0.0, 0.1, 45.5, 89.999, 90.0])
east = st.sampled_from([-180.0, -179.9, -90.0, 0.0, 0.1, 90.0, 179.9, 180.0])
spread = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


@given(where=st.lists(st.tuples(degrees, east) | spread, min_size=1, max_size=30), number=st.integers(1, 6))
def test_the_nearest_are_those_of_all(where: list[tuple[float, float]], number: int) -> None:
    places = [Place(f"P{n:03}", latitude, longitude) for n, (latitude, longitude) in enumerate(where)]
    index = Index(reversed(places))
    for place in places:
        found = index.nearest(place, number)
        expected = by_brute_force(place, places)[:number]
        assert [km for km, _ in found] == pytest.approx([km for km, _ in expected], abs=1e-5)
        assert ranked(found) == ranked(expected) or not told_apart(by_brute_force(place, places), number)


def ranked(nearest: list[tuple[float, str]]) -> list[str]:
    return [icao for _, icao in nearest]


def told_apart(distances: list[tuple[float, str]], number: int) -> bool:
    """Whether the distances differ, or are equal, by more than two ways to compute and to round them would."""
    pairs = pairwise(distances[: number + 1])
    return all(one == other or other - one > 1e-5 for (one, _), (other, _) in pairs)


def test_equally_far_ones_come_in_the_order_of_their_codes() -> None:
    places = [Place("ZZZZ", 1, 0), Place("CCCC", 0, 0), Place("BBBB", 0, 0), Place("AAAA", -1, 0), Place("HERE", 0, 0)]
    degree = math.radians(6_371)
    found = Index(places).nearest(places[-1], 5)
    assert ranked(found) == ["BBBB", "CCCC", "AAAA", "ZZZZ"]
    assert [km for km, _ in found] == pytest.approx([0, 0, degree, degree])


def test_a_place_that_is_not_among_them_has_neighbours_too() -> None:
    assert ranked(Index([Place("EDDB", 52.4, 13.5)]).nearest(Place("XXXX", 52.4, 13.6), 5)) == ["EDDB"]


@pytest.mark.once
@pytest.mark.slow
def test_every_two_thousandth_of_the_bundled_airports_has_those_that_a_comparison_with_all_gives() -> None:
    places = bundled()
    index = Index(places)
    assert len(places) == 23_740
    tie = next(place for place in places if place.icao == "FCMM")  # equal but for rounding: by their codes
    assert ranked(index.nearest(tie, 3)) == ["FCMR", "FCMD", "FCPO"]
    for place in places[::2_000]:
        expected = by_brute_force(place, places)[:5]
        found = index.nearest(place, 5)
        assert ranked(found) == ranked(expected)
        assert [km for km, _ in found] == pytest.approx([km for km, _ in expected])
