"""The airports nearest to a place, exactly, without comparing it with all of them. Pure: places in, distances out.

An airport that lies farther away by latitude alone than the farthest of the nearest so far can't be nearer. So others
are compared in the order of their latitudes, northwards and southwards, until that is so.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable
from math import asin, cos, inf, pi, radians, sin, sqrt
from typing import NamedTuple

__all__ = ["EARTH_RADIUS_KM", "Index", "Place"]

EARTH_RADIUS_KM = 6_371.0
MILLIMETRES = 6  # decimals of a kilometre: less is rounding's own doing, and would decide which of two is nearer
ROUNDING = 1e-7  # of a radian, 64 cm: more than rounding can make of a distance, be it half around the earth


class Place(NamedTuple):
    """An airport's code and where it is, in degrees."""

    icao: str
    latitude: float
    longitude: float


class Spot(NamedTuple):
    """The same in radians."""

    latitude: float
    longitude: float
    cosine: float
    icao: str


class Index:
    """Places in the order of their latitudes."""

    def __init__(self, places: Iterable[Place]) -> None:
        self.spots = sorted(map(spot, places))

    def nearest(self, place: Place, number: int) -> list[tuple[float, str]]:
        """(kilometres, code) of the `number` nearest others, or of all if there are fewer; ties in the codes' order.

        In millimetres: FCMD and FCPO are equally far from FCMM, whatever rounding makes of the two.
        """
        latitude, longitude, cosine, icao = here = spot(place)
        spots, north = self.spots, bisect_left(self.spots, here)
        south = north - 1
        best: list[tuple[float, str]] = []
        farthest, limit = inf, inf  # of the nearest so far: in radians, and as a haversine
        while north < len(spots) or south >= 0:
            to_north = spots[north].latitude - latitude if north < len(spots) else inf
            to_south = latitude - spots[south].latitude if south >= 0 else inf
            if to_north < to_south:
                gap, other, north = to_north, spots[north], north + 1
            else:
                gap, other, south = to_south, spots[south], south - 1
            if gap > farthest:
                break
            across = sin((longitude - other.longitude) / 2) ** 2
            haversine = sin(gap / 2) ** 2 + cosine * other.cosine * across
            if haversine <= limit and other.icao != icao:
                kilometres = 2 * EARTH_RADIUS_KM * asin(sqrt(min(1.0, haversine)))
                insort(best, (round(kilometres, MILLIMETRES), other.icao))
                if len(best) >= number:
                    del best[number:]
                    farthest = best[-1][0] / EARTH_RADIUS_KM + ROUNDING
                    limit = sin(farthest / 2) ** 2 if farthest < pi else inf
        return best


def spot(place: Place) -> Spot:
    latitude = radians(place.latitude)
    return Spot(latitude, radians(place.longitude), cos(latitude), place.icao)
