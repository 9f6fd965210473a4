"""An import by curl alone, over HTTP."""

import csv
import json
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from example.airports.models import Airport
from tests.e2e.conftest import StartWeb
from tests.files import FEW_CODES, FEW_IMPORTED, FEW_ROWS, few_rows
from tests.workers import Workers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.once]


def curl(*arguments: str) -> str:
    """What curl prints; it fails when the answer is an error."""
    command = ["curl", "--silent", "--show-error", "--fail-with-body", "--header", "Authorization: Token demo"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, check=True).stdout


def test_curl_alone_starts_the_import_follows_it_to_its_end_and_fetches_the_failures(
    start_web: StartWeb, workers: Workers, tmp_path: Path
) -> None:
    url = start_web().url
    workers.start()

    upload = ["--form", f"file=@{few_rows(tmp_path)}"]
    run: Any = json.loads(curl(*upload, f"{url}/api/operations/airports.import_airports/runs/"))
    links = run["links"]
    while not run["done"]:
        heard = curl(f"{url}{links['wait']}?after={run['revision']}&seconds=25")
        message = json.loads(heard) if heard else {}
        run = message.get("run") or json.loads(curl(f"{url}{links['self']}"))
    failures = list(csv.DictReader(curl(f"{url}{links['failures']}").splitlines()))

    assert run["state"] == "partial"
    assert {name: run["progress"][name] for name in ("total", "processed", "succeeded", "failed", "percent")} == {
        "total": FEW_ROWS,
        "processed": FEW_ROWS,
        "succeeded": FEW_IMPORTED,
        "failed": FEW_ROWS - FEW_IMPORTED,
        "percent": 100,
    }
    assert {entry["code"]: entry["count"] for entry in run["failure_summary"]} == FEW_CODES
    assert Counter(row["code"] for row in failures) == FEW_CODES
    assert Airport.objects.count() == FEW_IMPORTED
