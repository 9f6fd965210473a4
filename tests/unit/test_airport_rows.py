"""The rules for a row of the airports' file: each in its order, and the bundled file judged by all of them."""

import csv
from collections import Counter
from typing import Any

import pytest

from example.airports.operations import BUNDLED
from example.airports.rows import COLUMNS, airport_from
from headway import Reject

FRANKFURT = {
    "icao": "EDDF",
    "iata": "FRA",
    "name": "Frankfurt am Main Airport",
    "city": "Frankfurt-am-Main",
    "subd": "Hesse",
    "country": "DE",
    "elevation": "364",
    "lat": "50.0264",
    "lon": "8.5431",
    "tz": "Europe/Berlin",
}


def verdict(**changed: str) -> tuple[str, str]:
    """(code, sentence) with which Frankfurt's row is refused, so changed."""
    with pytest.raises(Reject) as raised:
        airport_from(FRANKFURT | changed)
    return raised.value.code, raised.value.text


def test_a_good_row_is_an_airport() -> None:
    assert airport_from(FRANKFURT) == {
        "icao": "EDDF",
        "iata": "FRA",
        "name": "Frankfurt am Main Airport",
        "city": "Frankfurt-am-Main",
        "subdivision": "Hesse",
        "country": "DE",
        "elevation_ft": 364,
        "latitude": 50.0264,
        "longitude": 8.5431,
        "time_zone": "Europe/Berlin",
    }


@pytest.mark.parametrize(
    ("changed", "code", "sentence"),
    [
        ({"city": ""}, "city-missing", "The city is missing."),
        ({"subd": ""}, "subdivision-missing", "The subdivision (state, province, region) is missing."),
        ({"name": " Frankfurt"}, "stray-blanks", "There are blanks too many in name: ' Frankfurt'."),
        ({"city": "Frankfurt "}, "stray-blanks", "There are blanks too many in city: 'Frankfurt '."),
        ({"name": "Frankfurt  Main"}, "stray-blanks", "There are blanks too many in name: 'Frankfurt  Main'."),
        ({"tz": "Europe/Berlin\n"}, "stray-blanks", "There are blanks too many in tz: 'Europe/Berlin\\n'."),
        ({"city": " "}, "stray-blanks", "There are blanks too many in city: ' '."),
        ({"icao": "EDF"}, "icao-malformed", "The ICAO code is 'EDF'; it must be four capital letters or digits."),
        ({"icao": "eddf"}, "icao-malformed", "The ICAO code is 'eddf'; it must be four capital letters or digits."),
        ({"icao": ""}, "icao-malformed", "The ICAO code is ''; it must be four capital letters or digits."),
        ({"iata": "FR1"}, "iata-malformed", "The IATA code is 'FR1'; it must be three capital letters, or nothing."),
        (
            {"elevation": "-1301"},
            "elevation-out-of-range",
            "The elevation is -1301 ft; it must be -1300 to 18000.",
        ),
        (
            {"elevation": "18001"},
            "elevation-out-of-range",
            "The elevation is 18001 ft; it must be -1300 to 18000.",
        ),
        ({"elevation": "high"}, "number-malformed", "elevation is 'high'; it must be a number."),
        ({"elevation": ""}, "number-malformed", "elevation is ''; it must be a number."),
        ({"elevation": "nan"}, "number-malformed", "elevation is 'nan'; it must be a number."),
        ({"elevation": "inf"}, "number-malformed", "elevation is 'inf'; it must be a number."),
        ({"lat": "50° N"}, "number-malformed", "lat is '50° N'; it must be a number."),
        ({"lon": "-inf"}, "number-malformed", "lon is '-inf'; it must be a number."),
    ],
)
def test_a_row_is_refused_with_the_rule_that_it_breaks(changed: dict[str, str], code: str, sentence: str) -> None:
    assert verdict(**changed) == (code, sentence)


def test_the_first_rule_that_is_broken_counts() -> None:
    broken = {"city": "", "subd": "", "name": " x", "icao": "x", "iata": "x", "elevation": "99999"}
    codes = []
    for mended in broken:
        codes.append(verdict(**broken)[0])
        broken = broken | {mended: FRANKFURT[mended]}
    assert codes == [
        "city-missing",
        "subdivision-missing",
        "stray-blanks",
        "icao-malformed",
        "iata-malformed",
        "elevation-out-of-range",
    ]
    assert airport_from(FRANKFURT | broken)["icao"] == "EDDF"


@pytest.mark.parametrize("changed", [{"iata": ""}, {"icao": "00AK"}, {"elevation": "-1300"}, {"elevation": "18000"}])
def test_what_is_just_right_is_taken(changed: dict[str, str]) -> None:
    assert airport_from(FRANKFURT | changed)


def test_the_bundled_file_has_4558_rows_that_are_refused() -> None:
    codes: Counter[str] = Counter()
    there: dict[Any, str] = {}  # what the table's constraint keeps: one airport for each (name, country)
    with BUNDLED.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        assert set(COLUMNS) <= set(rows.fieldnames or [])
        for row in rows:
            try:
                airport = airport_from(row)
            except Reject as refused:
                codes[refused.code] += 1
            else:
                first = there.setdefault((airport["name"], airport["country"]), airport["icao"])
                codes["good" if first == airport["icao"] else "duplicate"] += 1
    assert codes == {
        "good": 23_740,
        "city-missing": 2_825,
        "subdivision-missing": 608,
        "stray-blanks": 14,
        "icao-malformed": 13,
        "duplicate": 1_098,
    }
