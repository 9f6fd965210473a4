"""The README's example is code that runs, and its quick start is the tutorial's and short."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from example.airports.models import Airport
from headway import runs
from headway.models import ItemOutcome
from headway.operations import registry
from headway.operations.base import register
from tests.app.driving import drive
from tests.tutorial.page import ROOT, own_lines, sections

OWN_LINES = 15  # that the quick start may ask for
HEADER = "icao,iata,name,city,subd,country,elevation,lat,lon,tz"
ROWS = [
    "EDDF,FRA,Frankfurt,Frankfurt,Hesse,DE,364,50.03,8.57,Europe/Berlin",
    "EDDX,,Nowhere,,Hesse,DE,364,50.03,8.57,Europe/Berlin",
    "EDDY,,Frankfurt,Frankfurt,Hesse,DE,364,50.03,8.57,Europe/Berlin",
]


@pytest.fixture
def example() -> Iterator[Any]:
    """The class that the README's first Python block declares."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    assert block is not None
    before = registry.get("airports.import_airports")
    names: dict[str, Any] = {"__name__": before.__module__, "__package__": "example.airports"}
    exec(compile(block[1], "README.md", "exec"), names)
    yield names["ImportAirports"]
    register(before)


@pytest.mark.django_db(transaction=True)
def test_the_example_of_the_readme_runs_as_it_stands(example: Any) -> None:
    upload = SimpleUploadedFile("airports.csv", "\n".join([HEADER, *ROWS]).encode())

    run = drive(runs.start(example, {"file": upload}).run)

    assert run.state == "partial"
    assert list(Airport.objects.values_list("icao", flat=True)) == ["EDDF"]
    assert sorted(ItemOutcome.objects.values_list("code", flat=True)) == ["city-missing", "duplicate"]


def test_the_quick_start_of_the_readme_is_that_of_the_tutorial() -> None:
    found = [
        re.findall(r"<!-- quick start -->\n(.*?)<!-- end of quick start -->", page.read_text(), re.DOTALL)
        for page in (ROOT / "README.md", ROOT / "docs/tutorial.md")
    ]
    assert found[0] == found[1] != []


def test_the_quick_start_asks_for_few_lines() -> None:
    assert own_lines(dict(sections(ROOT / "docs/tutorial.md"))["Quick start"]) <= OWN_LINES
