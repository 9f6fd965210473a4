"""Swagger UI at /swagger/, under the example's Content-Security-Policy and without the internet."""

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from headway.models import Run

from .visitor import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


def test_it_shows_the_operations_and_starts_one(visitor: Visitor, demo: Any) -> None:
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    page = visitor.open("/swagger/")
    start = page.locator("#operations-operations-start_tests_take_time")
    expect(start).to_be_visible()
    start.locator(".opblock-summary-control").click()
    start.get_by_role("button", name="Try it out").click()
    start.get_by_role("button", name="Execute").click()

    answer = start.locator(".live-responses-table")
    expect(answer.locator(".response .response-col_status")).to_contain_text("202")
    expect(answer).to_contain_text("headway-disposition: created")
    assert Run.objects.get().started_by == demo
    assert {re.match(r"\w+:(//[^/]+)?", url)[0] for url in asked} <= {visitor.url, "data:", "blob:"}  # type: ignore[index]
