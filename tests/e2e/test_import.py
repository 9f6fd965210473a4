"""The whole import by curl alone, over HTTP."""

import csv
import json
import subprocess
from collections import Counter
from typing import Any

import pytest

from example.airports.models import Airport
from tests.e2e.conftest import StartWeb
from tests.workers import Workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.once]

CODES = {
    "city-missing": 2_825,
    "subdivision-missing": 608,
    "stray-blanks": 14,
    "icao-malformed": 13,
    "duplicate": 1_098,
}


def curl(*arguments: str) -> str:
    """What curl prints; it fails when the answer is an error."""
    command = ["curl", "--silent", "--show-error", "--fail-with-body", "--header", "Authorization: Token demo"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=True).stdout


def test_curl_alone_starts_the_import_follows_it_to_its_end_and_fetches_the_failures(
    start_web: StartWeb, workers: Workers
) -> None:
    url = start_web().url
    workers.start()

    as_json = ["--header", "Content-Type: application/json", "--data", "{}"]
    run: Any = json.loads(curl(*as_json, f"{url}/api/operations/airports.import_airports/runs/"))
    links = run["links"]
    while not run["done"]:
        heard = curl(f"{url}{links['wait']}?after={run['revision']}&seconds=25")
        message = json.loads(heard) if heard else {}
        run = message.get("run") or json.loads(curl(f"{url}{links['self']}"))
    failures = list(csv.DictReader(curl(f"{url}{links['failures']}").splitlines()))

    assert run["state"] == "partial"
    assert {name: run["progress"][name] for name in ("total", "processed", "succeeded", "failed", "percent")} == {
        "total": 28_298,
        "processed": 28_298,
        "succeeded": 23_740,
        "failed": 4_558,
        "percent": 100,
    }
    assert {entry["code"]: entry["count"] for entry in run["failure_summary"]} == CODES
    assert Counter(row["code"] for row in failures) == CODES
    assert Airport.objects.count() == 23_740
