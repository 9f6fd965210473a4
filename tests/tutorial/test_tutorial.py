"""docs/tutorial.md, followed word for word: after each section a run is watched in a browser until it has ended.

The sections build on each other, so they are one test.
"""

import re
import subprocess
import time
from collections.abc import Iterator

import psycopg
import pytest
from playwright.sync_api import Browser, expect

from servers.postgres import Postgres
from servers.valkey import Valkey
from tests.browser import LIKES, chromium

from .page import ROOT, Block, own_lines, sections
from .reader import PASSWORD, Reader

TUTORIAL = dict(sections(ROOT / "docs/tutorial.md"))
FOLLOWED = [title for title, blocks in TUTORIAL.items() if blocks]
PATIENCE_MS = 30_000

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Postgres, Valkey]]:
    """What the reader's machine has."""
    with Postgres() as postgres, Valkey() as valkey:
        yield postgres, valkey


@pytest.fixture(scope="module")
def reader(servers: tuple[Postgres, Valkey], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    postgres, valkey = servers
    told = {"PGPORT": str(postgres.ports[0]), "CELERY_BROKER_URL": valkey.url}
    with Reader(tmp_path_factory.mktemp("reader"), told) as reading:
        yield reading


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def watch_a_run(browser: Browser, url: str) -> None:
    """Sign in, press Start twice, as the page and then the form have it, and see the run end on the same page."""
    context = browser.new_context(base_url=url, **LIKES)
    try:
        page = context.new_page()
        page.goto("/")
        page.get_by_label("Username").fill("demo")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        page.get_by_role("link", name=re.compile("^Start")).click()
        page.get_by_role("button", name=re.compile("^Start")).click()
        panel = page.locator(".hw-run")
        expect(panel).to_have_attribute("data-face", re.compile("queued|counting|running"))
        page.evaluate("window.stayed = true")
        expect(panel).to_have_attribute("data-face", "succeeded", timeout=PATIENCE_MS)
        assert page.evaluate("window.stayed")
    finally:
        context.close()


def test_the_tutorial_leads_to_a_live_page(
    reader: Reader, browser: Browser, servers: tuple[Postgres, Valkey], request: pytest.FixtureRequest
) -> None:
    for title in FOLLOWED:
        began = time.monotonic()
        reader.close_terminals()
        for block in TUTORIAL[title]:
            if block.language == "sql":
                type_sql(servers[0], block)
            reader.follow(block)
        reader.wait()

        watch_a_run(browser, reader.url)

        seconds = time.monotonic() - began
        told = f"{title}: {own_lines(TUTORIAL[title])} lines of one's own, a run has been watched after {seconds:.0f} s"
        request.node.user_properties.append(("told", told))
    assert_the_wheel_was_used(reader)


def type_sql(postgres: Postgres, block: Block) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        for statement in block.lines:
            connection.execute(statement.encode())


def assert_the_wheel_was_used(reader: Reader) -> None:
    command = ["python", "-c", "import headway; print(headway.__file__)"]
    told = subprocess.run(command, cwd=reader.project, env=reader.told, capture_output=True, text=True, check=True)
    assert told.stdout.startswith(str(reader.project.parent))
