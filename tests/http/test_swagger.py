"""Swagger UI at /swagger/, in a real browser, under the example's Content-Security-Policy and without the internet."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from headway.models import Run
from tests.browser import chromium
from tests.http import operations  # noqa: F401  (they register themselves)
from tests.live.server import serving
from tests.ui.visitor import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow, pytest.mark.once]


@pytest.fixture
def visitor(demo: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Visitor]:
    """demo's window; its console must have been silent at the end."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # Playwright's loop runs in this thread
    with (
        serving(tmp_path / "server.log") as site,
        chromium() as browser,
        Visitor(browser, site.url, demo, {}) as window,
    ):
        yield window


def test_it_shows_the_operations_and_starts_one(visitor: Visitor, demo: Any) -> None:
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    page = visitor.open("/swagger/")
    start = page.locator("#operations-operations-start_tests_take_time")
    expect(start).to_be_visible(timeout=30_000)
    start.locator(".opblock-summary-control").click()
    start.get_by_role("button", name="Try it out").click()
    start.get_by_role("button", name="Execute").click()

    answer = start.locator(".live-responses-table")
    expect(answer.locator(".response .response-col_status")).to_contain_text("202")
    expect(answer).to_contain_text("headway-disposition: created")
    assert Run.objects.get().started_by == demo
    assert {re.match(r"\w+:(//[^/]+)?", url)[0] for url in asked} <= {visitor.url, "data:", "blob:"}  # type: ignore[index]
