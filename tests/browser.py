"""A real Chromium: the one on PATH, or else Playwright's own."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connections
from playwright.sync_api import Browser, Playwright, sync_playwright

__all__ = ["LIKES", "chromium"]

# First Chromium without a browser's own pages, which takes a third of the time of one with them.
ON_PATH = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
# Without a graphics card, a page on which something turns takes a seventh of a processor.
LIKES = {"timezone_id": "UTC", "locale": "en-GB", "reduced_motion": "reduce"}
MISSING = (
    "The tests need Chromium, and there is none on PATH. As root: apt-get install chromium-headless-shell. "
    "Without root, where its download can be reached: .venv/bin/playwright install chromium"
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """
    A browser without a window. Without one the test fails, and says what to install. While it is open its loop runs in
    this thread, so nothing else can open one here: keep it no longer than a folder whose tests open none.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(playwright))
        try:
            yield browser
        finally:
            browser.close()
            connections.close_all()  # those of its loop, which nobody finds once it is gone


def executable(playwright: Playwright) -> str | None:
    """Where the browser is; None: where Playwright has put its own."""
    found = next(filter(None, map(shutil.which, ON_PATH)), None)
    if found is None and not os.path.exists(playwright.chromium.executable_path):
        pytest.fail(MISSING, pytrace=False)
    return found
