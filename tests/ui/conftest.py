"""What the tests of the pages share: the site in a process of its own, a real browser, and people who look at it."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.live.server import Server, serving

from .visitor import Visitor

# Playwright's loop runs in the thread of the tests, which Django would take for asynchronous code.
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, which takes a second of CPU to start: one for all tests of this folder that follow each other."""
    with chromium() as started:
        yield started


@pytest.fixture(scope="package")
def site(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The site, on the tests' database."""
    with serving(tmp_path_factory.mktemp("site") / "server.log") as running:
        yield running


@pytest.fixture
def person(transactional_db: None) -> Callable[..., Any]:
    """person("ada"): a user."""
    from django.contrib.auth.models import User  # needs Django's apps

    return lambda name, **more: User.objects.create_user(name, password=name, **more)


@pytest.fixture
def demo(person: Callable[..., Any]) -> Any:
    """Whose runs these are."""
    return person("demo")


@pytest.fixture
def visit(browser: Browser, site: Server) -> Iterator[Callable[..., Visitor]]:
    """visit(demo): a signed-in browser window. Its console must have been silent at the end of the test."""
    with ExitStack() as stack:
        yield lambda user=None, server=site, **options: stack.enter_context(Visitor(browser, server.url, user, options))


@pytest.fixture
def visitor(visit: Callable[..., Visitor], demo: Any) -> Visitor:
    """demo's window."""
    return visit(demo)
