"""axe-core finds no violation on any page, in any state, wide and narrow, light, dark and in forced colours."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.files import dirty_rows

from .gallery import CSP, gallery
from .scenes import begin, finish, go_on
from .test_starting import IMPORT, choose
from .visitor import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

ALL_RULES: dict[str, Any] = {"resultTypes": ["violations"]}
OF_COLOURS = ALL_RULES | {"runOnly": ["color-contrast", "link-in-text-block"]}
APPEARANCES: tuple[tuple[int, dict[str, Any], dict[str, Any]], ...] = (  # colours are the same at each width
    (1440, {"color_scheme": "light", "forced_colors": "none"}, ALL_RULES),
    (360, {"color_scheme": "dark", "forced_colors": "none"}, ALL_RULES),
    (1440, {"color_scheme": "light", "forced_colors": "active"}, OF_COLOURS),
)
TOO_WIDE = """() => [...document.body.querySelectorAll('*')]
  .filter((one) => one.getBoundingClientRect().right > innerWidth + 1 && !one.closest('.hw-sr'))
  .map((one) => `${one.localName}.${one.className}: ${one.textContent.slice(0, 60)}`)"""


def appearances(page: Page) -> Iterator[tuple[str, dict[str, Any]]]:
    """The page, each width and all colours once, and the rules that it may break there and nowhere before."""
    for width, colours, rules in APPEARANCES:
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(reduced_motion="reduce", **colours)  # no colour on its way from one to the next
        yield f"{width} px, {colours}", rules


def check(page: Page) -> None:
    """No violation, and nothing that is wider than the window."""
    axe = Axe()
    for appearance, rules in appearances(page):
        found = axe.run(page, options=rules)
        assert not found.violations_count, f"{appearance}: {found.generate_report()}"
        assert page.evaluate(TOO_WIDE) == [], appearance


def test_the_panel_in_every_state(visitor: Visitor) -> None:
    visitor.page.route(
        "**/gallery/", lambda route: route.fulfill(body=gallery(), content_type="text/html", headers=CSP)
    )
    visitor.open("/gallery/")

    check(visitor.page)


def test_the_sign_in(visit: Callable[..., Visitor]) -> None:
    visitor = visit()
    visitor.open("/login/")

    check(visitor.page)


def test_the_list_of_runs(visitor: Visitor, demo: Any) -> None:
    finish(begin(demo, items=20, reject="3,7"))
    go_on(begin(demo, items=400), 50)
    begin(demo, items=3)
    visitor.open("/")

    check(visitor.page)


def test_the_list_without_runs(visitor: Visitor) -> None:
    visitor.open("/")

    check(visitor.page)


def test_the_start_of_an_import_and_what_was_wrong_with_it(visitor: Visitor, tmp_path: Path) -> None:
    visitor.expects_errors = True  # 422
    choose(visitor, dirty_rows(tmp_path))
    check(visitor.page)

    visitor.press("Start import")
    visitor.reads("Columns are missing", "#id_file_error")

    check(visitor.page)


def test_the_start_of_any_operation_and_its_conflict(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True  # 409
    begin(demo, items=10, reject="1")
    visitor.open("/start/tests.write_ledger/")
    visitor.press("Start")
    visitor.reads("is still under way", ".hw-notice")

    check(visitor.page)


def test_a_run_that_was_joined(visitor: Visitor, demo: Any) -> None:
    visitor.open(IMPORT)
    visitor.press("Start import")
    visitor.page.wait_for_url("**/runs/**")
    visitor.open(IMPORT)
    visitor.press("Start import")
    visitor.reads("Nothing was started a second time", ".hw-notice")

    check(visitor.page)


def test_a_run_with_failures(visitor: Visitor, demo: Any) -> None:
    visitor.open(finish(begin(demo, items=80, reject=",".join(map(str, range(40))), fail="70")))

    check(visitor.page)


def test_the_question_before_a_cancel(visitor: Visitor, demo: Any) -> None:
    visitor.open(go_on(begin(demo, items=400), 50))
    visitor.press("Cancel")

    check(visitor.page)


def test_a_lost_connection(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    visitor.lacks_sockets()
    visitor.page.route("**/api/**", lambda route: route.abort())
    visitor.open(go_on(begin(demo, items=400), 50))
    visitor.sees("lost")

    check(visitor.page)


def test_nothing_there(visitor: Visitor) -> None:
    visitor.expects_errors = True  # 404
    visitor.open("/nothing/")

    check(visitor.page)
