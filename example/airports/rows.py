"""What a row of the airports' file must be. Pure: a dictionary in, the airport's fields or a Reject out."""

import math
import re
from collections.abc import Mapping
from typing import Any

from headway import Reject

__all__ = ["COLUMNS", "airport_from"]

COLUMNS = ["icao", "iata", "name", "city", "subd", "country", "elevation", "lat", "lon", "tz"]
STRAY_BLANKS = re.compile(r"^\s|\s$|\s\s")
ICAO = re.compile(r"[A-Z0-9]{4}")
IATA = re.compile(r"[A-Z]{3}")
LOWEST_FT, HIGHEST_FT = -1300, 18000


def airport_from(row: Mapping[str, str]) -> dict[str, Any]:
    """The fields of the airport that this row describes. Raises Reject for the first rule that it breaks."""
    if not row["city"]:
        raise Reject("city-missing", "The city is missing.")
    if not row["subd"]:
        raise Reject("subdivision-missing", "The subdivision (state, province, region) is missing.")
    for column, value in row.items():
        if STRAY_BLANKS.search(value):
            raise Reject("stray-blanks", f"There are blanks too many in {column}: {value!r}.")
    if not ICAO.fullmatch(row["icao"]):
        raise Reject("icao-malformed", f"The ICAO code is {row['icao']!r}; it must be four capital letters or digits.")
    if row["iata"] and not IATA.fullmatch(row["iata"]):
        raise Reject(
            "iata-malformed", f"The IATA code is {row['iata']!r}; it must be three capital letters, or nothing."
        )
    return {
        "icao": row["icao"],
        "iata": row["iata"],
        "name": row["name"],
        "city": row["city"],
        "subdivision": row["subd"],
        "country": row["country"],
        "elevation_ft": elevation(row["elevation"]),
        "latitude": number("lat", row["lat"]),
        "longitude": number("lon", row["lon"]),
        "time_zone": row["tz"],
    }


def elevation(text: str) -> int:
    """Feet above the sea."""
    feet = round(number("elevation", text))
    if not LOWEST_FT <= feet <= HIGHEST_FT:
        raise Reject("elevation-out-of-range", f"The elevation is {feet} ft; it must be {LOWEST_FT} to {HIGHEST_FT}.")
    return feet


def number(column: str, text: str) -> float:
    """The number that this text spells."""
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise Reject("number-malformed", f"{column} is {text!r}; it must be a number.")
    return found
