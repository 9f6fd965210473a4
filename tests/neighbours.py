"""What the nearest airports must be, found without any of the example's code for it."""

import csv
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from math import asin, cos, degrees, radians, sin, sqrt

from example.airports.models import Airport
from example.airports.nearest import Place
from example.airports.operations import BUNDLED
from example.airports.rows import airport_from
from headway import Reject

__all__ = ["bundled", "by_brute_force", "import_bundled", "rows", "wrong_answers"]

KM = 6_371.0
MARGIN = 1e-9  # of a radian, 6 mm: more than rounding can make of a distance
ROUNDING = 1e-12  # more than it can make of a cosine


def by_brute_force(place: Place, places: Sequence[Place]) -> list[tuple[float, str]]:
    """(kilometres to the millimetre, code) of all the others, the nearest first, ties in the order of their codes."""
    return sorted((round(haversine(place, other), 6), other.icao) for other in places if other.icao != place.icao)


def haversine(one: Place, other: Place) -> float:
    """Kilometres, by the formula as it stands in the books."""
    north = radians(other.latitude) - radians(one.latitude)
    east = radians(other.longitude) - radians(one.longitude)
    a = sin(north / 2) ** 2 + cos(radians(one.latitude)) * cos(radians(other.latitude)) * sin(east / 2) ** 2
    return 2 * KM * asin(sqrt(min(1.0, a)))


def wrong_answers(answers: Mapping[str, Sequence[tuple[float, str]]], places: Sequence[Place]) -> list[str]:
    """The codes of those whose five nearest others are not the ones in `answers`.

    Any five others bound the answer from above, wrong ones too: nobody farther away than the farthest of them can be
    among the nearest. All who aren't, by latitude and by the angle between both directions, are compared by haversine.
    """
    at = {place.icao: place for place in places}
    by_latitude = sorted(places, key=lambda place: place.latitude)
    latitudes = [place.latitude for place in by_latitude]
    vectors = [(place, *direction(place)) for place in by_latitude]
    wrong = []
    for place in places:
        given = [icao for _, icao in answers.get(place.icao, ())]
        if len(set(given) - {place.icao}) != 5:
            wrong.append(place.icao)
            continue
        bound = max(haversine(place, at[icao]) for icao in given) / KM + MARGIN
        first = bisect_left(latitudes, place.latitude - degrees(bound))
        last = bisect_right(latitudes, place.latitude + degrees(bound))
        x, y, z = direction(place)
        least = cos(bound) - ROUNDING  # a comparison of angles alone, so nothing that is near is left out
        near = [other for other, a, b, c in vectors[first:last] if a * x + b * y + c * z >= least]
        expected = by_brute_force(place, near)[:5]
        distances = [km for km, _ in answers[place.icao]]
        if [icao for _, icao in expected] != given or not all(map(close, distances, (km for km, _ in expected))):
            wrong.append(place.icao)
    return wrong


def direction(place: Place) -> tuple[float, float, float]:
    """The unit vector from the earth's centre."""
    latitude, longitude = radians(place.latitude), radians(place.longitude)
    return cos(latitude) * cos(longitude), cos(latitude) * sin(longitude), sin(latitude)


def close(one: float, other: float) -> bool:
    return abs(one - other) < 1e-9  # both are in millimetres


def bundled() -> list[Place]:
    """The airports that the import leaves of the bundled file."""
    return [Place(fields["icao"], fields["latitude"], fields["longitude"]) for fields in rows()]


def import_bundled(count: int) -> None:
    """Have so many of them in the table."""
    Airport.objects.bulk_create([Airport(**fields) for fields in rows()[:count]], batch_size=1000)


def rows() -> list[dict[str, object]]:
    """Their fields: a row that breaks a rule is left out, and so is a second one of the same name and country."""
    found = {}
    with BUNDLED.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            try:
                fields = airport_from(row)
            except Reject:
                continue
            found.setdefault((fields["name"], fields["country"]), fields)
    return list(found.values())
