"""What all tests share: the suite's database is a real one, and other processes can attach to it.

A test marked `postgresql` or `sqlite` is about that database alone: on the other it is deselected, and the summary
counts it. In CI nothing is skipped: a test that can't run there has failed.
"""

import gc
import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import TransactionTestCase
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis

from tests.emptying import empty_what_is_filled
from tests.workers import Workers

TransactionTestCase._fixture_teardown = empty_what_is_filled

VENDORS = ("postgresql", "sqlite")
NAMED = ("alone", "crowd")  # `python -m tests` collects these from the files alone that name them

# Tests speak to this machine alone, so no client needs the world's certificates: to read them takes each 27 ms.
os.environ.pop("SSL_CERT_FILE", None)
os.environ["SSL_CERT_DIR"] = str(Path(__file__).parent)

gc.disable()  # while tests are collected: a quarter of that time went into looking for garbage, and there is none

# A busy machine makes no example wrong. Few examples where people wait for them, many in CI.
hypothesis.register_profile("quick", deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=25)
hypothesis.register_profile("ci", hypothesis.get_profile("quick"), max_examples=50, print_blob=True)
hypothesis.load_profile("ci" if os.environ.get("CI") else "quick")


def pytest_configure(config: pytest.Config) -> None:
    for vendor in VENDORS:
        config.addinivalue_line("markers", f"{vendor}: about this database alone; deselected on any other")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for mark in NAMED:
        for file in {item.path for item in items if item.get_closest_marker(mark)}:
            if f"mark.{mark}" not in file.read_text():
                raise pytest.UsageError(f"{file} has tests marked {mark!r}: write pytest.mark.{mark} in that file.")
    others = [vendor for vendor in VENDORS if vendor != connection.vendor]
    foreign = [item for item in items if any(map(item.get_closest_marker, others))]
    if foreign:
        items[:] = [item for item in items if item not in foreign]
        config.hook.pytest_deselected(items=foreign)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    gc.enable()
    gc.freeze()
    gc.set_threshold(50_000, 20, 1_000)  # a tenth of the time went into looking for what tests leave


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and os.environ.get("CI"):
        report.outcome = "failed"
    # What was captured may hold any text, but xdist's workers can only send what UTF-8 knows.
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What tests have told that ran side by side (tests/crash/aloud.py), so also the seeds of those that failed."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    for report in reports:
        told = [text for name, text in report.user_properties if name == "told" and report.when == "call"]
        if told:
            terminalreporter.write_line(f"{report.nodeid}:")
        for text in told:
            terminalreporter.write_line(f"  {text}")


@pytest.fixture
def script() -> Iterator[dict[str, Any]]:
    """What `tests.scripted` does: the test fills it in."""
    from tests.app.scripted import Scripted  # needs Django's apps, which pytest-django loads after this file

    Scripted.script = {}
    yield Scripted.script
    Scripted.script = {}


@pytest.fixture
def media(settings: Any, tmp_path: Path) -> Path:
    """Where uploads go; empty at first."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return tmp_path / "media"


@pytest.fixture
def workers(transactional_db: None) -> Iterator[Workers]:
    """Starts real worker processes on the test's database, and ends them with the test."""
    with Workers() as started:
        yield started
