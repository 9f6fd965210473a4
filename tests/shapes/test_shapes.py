"""In a project of each shape a run is started, watched, paused, resumed, retried, cancelled, its failures taken away.

A shape in which that can't be is refused by a system check, which says why.
"""

import re
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import LIKES, chromium
from tests.installed import ROOT, build, environment, install

from .callers import Person, Program
from .project import PASSWORD, PERSON, Project, serving
from .shapes import REFUSED, SHAPES, Shape

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an environment with the wheel, which all projects share."""
    home = tmp_path_factory.mktemp("installed")
    found = environment(home)
    install(found, build(ROOT, "wheel", home / "dist"))
    return found


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def project(
    request: pytest.FixtureRequest, python: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """Of the shape that the test names; those that name the same share it."""
    shape = {**SHAPES, **REFUSED}[request.param]
    with serving(tmp_path_factory.mktemp("project"), python, shape) as served:
        yield served


def of(shapes: Mapping[str, Shape], told: str) -> pytest.MarkDecorator:
    """For each shape of which this is told."""
    return pytest.mark.parametrize(
        "project", [name for name, shape in shapes.items() if getattr(shape, told)], indirect=True, scope="module"
    )


@of(SHAPES, "pages")
def test_a_person_does_all_from_the_pages(project: Project) -> None:
    project.halt()
    with Person(project) as person:
        person.start()
        person.watch(is_running)
        person.look_again()  # the page that the start led to may have been drawn before a worker had it
        person.send("/pause/")
        project.go()
        assert person.watch(is_paused)["done"] is False
        person.look_again()
        person.send("/resume/")
        assert person.watch(is_done)["state"] == "partial"
        assert "too-dear" in person.download()
        project.halt()
        person.send("/retry/")
        person.watch(is_running)
        person.look_again()
        person.send(person.page.url.path)  # asks first
        person.send("/cancel/")
        project.go()
        assert person.watch(is_done)["state"] == "cancelled"


@of(SHAPES, "by_header")
def test_a_program_does_all_by_its_token(project: Project) -> None:
    project.halt()
    with Program(project) as program:
        program.start()
        program.watch(is_running)
        program.steer("pause")
        project.go()
        program.watch(is_paused)
        program.steer("resume")
        assert program.watch(is_done)["state"] == "partial"
        assert "too-dear" in program.download()
        project.halt()
        program.steer("retry")
        program.watch(is_running)
        program.steer("cancel")
        project.go()
        assert program.watch(is_done)["state"] == "cancelled"


@of(SHAPES, "by_script")
def test_the_pages_script_does_all(project: Project, browser: Browser) -> None:
    project.halt()
    context = browser.new_context(base_url=project.host, **LIKES)
    page = context.new_page()
    page.goto(f"{project.shape.below}/")
    page.get_by_label("Username").fill(PERSON)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name=re.compile("^Start")).first.click()
    page.get_by_role("button", name="Start", exact=True).click()
    panel = page.locator(".hw-run")
    expect(panel).to_have_attribute("data-face", "running")
    page.evaluate("window.stayed = true")
    with page.expect_response("**/pause/"):
        page.get_by_role("button", name="Pause", exact=True).click()
    project.go()
    expect(panel).to_have_attribute("data-face", "paused")
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(panel).to_have_attribute("data-face", "partial")
    assert page.evaluate("window.stayed")
    context.close()


@pytest.mark.parametrize("project", ["a transaction for each request"], indirect=True, scope="module")
def test_looking_waits_for_no_writer(project: Project) -> None:
    """SQLite's transactions are IMMEDIATE, so one around each request would wait for the write lock."""
    with Person(project) as person:
        person.start()
        other = sqlite3.connect(project.home / "db.sqlite3", isolation_level=None)
        with closing(other):
            other.execute("BEGIN IMMEDIATE")
            person.look_again()
            person.watch(lambda run: True)
            person.good(person.client.get(f"{project.shape.below}/api/runs/"))


@of({**SHAPES, **REFUSED}, "check")
def test_a_check_says_why_not(project: Project) -> None:
    assert project.shape.check in project.said


def is_running(run: dict[str, Any]) -> bool:
    return bool(run["state"] == "running")


def is_paused(run: dict[str, Any]) -> bool:
    return bool(run["state"] == "paused")


def is_done(run: dict[str, Any]) -> bool:
    return bool(run["done"])
