"""The example's import in sets comes to what the import row by row comes to."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from django.core.files import File

from example.airports.models import Airport
from headway import runs
from headway.models import ItemOutcome, Run
from tests.app.driving import drive
from tests.files import FEW_CODES, FEW_IMPORTED, few_rows

pytestmark = pytest.mark.django_db(transaction=True)


def imported(operation: str, path: Path) -> Run:
    with path.open("rb") as file:
        return drive(runs.start(operation, {"file": File(file, name=path.name)}).run)


def came_to(run: Run) -> tuple[list[dict[str, Any]], list[tuple[str, ...]]]:
    failed = ItemOutcome.objects.filter(run=run).order_by("id").values_list("key", "state", "code", "label")
    return list(Airport.objects.order_by("icao").values()), list(failed)


def test_row_by_row_and_in_sets_come_to_the_same(media: Path, tmp_path: Path) -> None:
    path = few_rows(tmp_path)
    one_by_one = came_to(imported("airports.import_airports", path))
    Airport.objects.all().delete()

    in_sets = came_to(imported("airports.import_airports_in_sets", path))

    assert in_sets == one_by_one
    assert len(in_sets[0]) == FEW_IMPORTED
    assert Counter(code for _, _, code, _ in in_sets[1]) == FEW_CODES
    assert came_to(imported("airports.import_airports_in_sets", path)) == in_sets, "over what is there already"


@pytest.mark.once
def test_the_whole_bundled_file_comes_to_its_counts_over_what_is_there_already(media: Path, tmp_path: Path) -> None:
    imported("airports.import_airports_in_sets", few_rows(tmp_path))

    run = drive(runs.start("airports.import_airports_in_sets").run)

    assert (run.parts.get().succeeded, run.parts.get().failed) == (23_740, 4_558)
    assert Airport.objects.count() == 23_740
    assert run.parts.get().failures == {
        "city-missing": 2_825,
        "subdivision-missing": 608,
        "stray-blanks": 14,
        "icao-malformed": 13,
        "duplicate": 1_098,
    }
