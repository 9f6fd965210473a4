"""Pause, resume, cancel, retry and download, by the panel's buttons and without script."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from headway import runs
from headway.models import Run

from .scenes import begin, finish, go_on, hold
from .visitor import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

WITH_OR_WITHOUT_SCRIPT = pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])


@WITH_OR_WITHOUT_SCRIPT
def test_a_run_is_paused_and_resumed(visit: Callable[..., Visitor], demo: Any, script: bool) -> None:
    visitor = visit(demo, java_script_enabled=script)
    run = go_on(begin(demo, items=400), 50)
    visitor.open(run)

    visitor.press("Pause")
    visitor.sees("paused")
    visitor.reads("Paused by demo.")
    visitor.press("Resume")
    visitor.sees("running")

    run.refresh_from_db()
    assert run.state == "running"


@WITH_OR_WITHOUT_SCRIPT
def test_a_run_is_cancelled_once_that_was_meant(visit: Callable[..., Visitor], demo: Any, script: bool) -> None:
    visitor = visit(demo, java_script_enabled=script)
    run = go_on(begin(demo, items=400), 50)
    visitor.open(run)

    visitor.press("Cancel")
    visitor.reads("Cancel this run?")
    visitor.page.get_by_role("link", name="Keep it running").click()
    expect(visitor.page.get_by_text("Cancel this run?")).to_be_hidden()
    kept = Run.objects.get().state
    visitor.press("Cancel")
    visitor.press("Cancel the run")

    visitor.sees("cancelled")
    visitor.reads("Left as they are: 350.")
    run.refresh_from_db()
    assert (kept, run.state) == ("running", "cancelled")


@WITH_OR_WITHOUT_SCRIPT
def test_the_failed_ones_are_retried_as_a_new_run(visit: Callable[..., Visitor], demo: Any, script: bool) -> None:
    visitor = visit(demo, java_script_enabled=script)
    run = finish(begin(demo, items=20, reject="3,7"))
    visitor.open(run)

    visitor.press("Retry 2 failed")
    visitor.page.wait_for_url(lambda url: str(run.pk) not in url)

    retry = Run.objects.get(retry_of=run)
    assert visitor.run_id == str(retry.pk)


def test_a_press_is_answered_at_once_and_keeps_its_focus(visitor: Visitor, demo: Any) -> None:
    run = go_on(begin(demo, items=400), 50)
    hold(run)
    visitor.open(run)

    visitor.press("Pause")

    visitor.sees("pausing")
    pressed = visitor.page.get_by_role("button", name="Pausing…")
    expect(pressed).to_have_attribute("aria-disabled", "true")
    expect(pressed).to_be_focused()


def test_a_press_that_came_too_late_is_told(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True  # the refusal's status, 409
    visitor.lacks_sockets()
    run = go_on(begin(demo, items=400), 50)
    visitor.page.route("**/events/", lambda route: route.abort())
    visitor.page.route("**/wait/*", lambda route: None)
    visitor.open(run)
    runs.cancel(run)

    visitor.press("Pause")

    visitor.reads("That came too late. The run had moved on already", ".hw-run-problem")


def test_the_failures_are_downloaded(visitor: Visitor, demo: Any) -> None:
    run = finish(begin(demo, items=20, reject="3,7"))
    visitor.open(run)

    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="Download failures (CSV)").click()

    assert "is not wanted." in download.value.path().read_text()


def test_a_file_can_be_taken_away_as_soon_as_the_run_has_ended(visitor: Visitor, demo: Any) -> None:
    run = go_on(begin(demo, "tests.export_numbers", count=50), 20)
    visitor.open(run)
    link = visitor.page.get_by_role("link", name="Download the file")
    expect(link).to_be_hidden()

    finish(run)
    with visitor.page.expect_download() as download:
        link.click()

    assert download.value.suggested_filename == "numbers.csv"
    assert len(download.value.path().read_text().splitlines()) == 51


def test_a_cancelled_run_offers_what_was_written_and_says_that_it_is_not_all(visitor: Visitor, demo: Any) -> None:
    run = go_on(begin(demo, "tests.export_numbers", count=50), 20)
    runs.cancel(run)
    visitor.open(run)

    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="Download what was written").click()

    assert download.value.suggested_filename == "numbers-incomplete.csv"
    assert len(download.value.path().read_text().splitlines()) == 21


def test_results_are_downloaded_where_they_are_kept(visitor: Visitor, demo: Any, script: dict[str, Any]) -> None:
    visitor.open(finish(begin(demo, "tests.scripted_results")))

    with visitor.page.expect_download() as download:
        visitor.page.get_by_role("link", name="Download results (CSV)").click()

    assert download.value.path().read_text().splitlines()[:2] == ["item,key,value", "0,0,0"]


def test_failures_are_shown_by_reason_and_page_by_page(visitor: Visitor, demo: Any) -> None:
    wrong = ",".join(str(number) for number in range(60))
    run = finish(begin(demo, items=80, reject=wrong, fail="70,71"))
    visitor.open(run)
    visitor.reads("Why 62 failed", "#failures")
    items = visitor.page.locator("#items tbody tr")

    expect(items).to_have_count(25)
    visitor.page.get_by_role("link", name="Next page").click()
    visitor.page.get_by_role("link", name="Next page").click()
    expect(items).to_have_count(12)
    visitor.page.get_by_role("link", name="2, show these").click()

    expect(items).to_have_count(2)


def test_where_the_api_is_not_mounted_the_buttons_are_plain_forms(visitor: Visitor, demo: Any) -> None:
    run = go_on(begin(demo, items=400), 50)
    html = visitor.open(run).content()

    def answer(route: Any) -> None:
        shown = re.sub(r"&quot;links&quot;: \{.*?\}", "&quot;links&quot;: {}", route.fetch().text())
        route.fulfill(body=shown, content_type="text/html")

    visitor.page.route(f"**/runs/{run.pk}/", answer)
    visitor.open(run)

    visitor.press("Pause")
    visitor.sees("paused")

    run.refresh_from_db()
    assert "&quot;links&quot;: {" in html
    assert run.state == "paused"


def test_whoever_may_only_see_a_run_gets_no_buttons(
    visit: Callable[..., Visitor], demo: Any, person: Callable[..., Any]
) -> None:
    from django.contrib.auth.models import Permission

    guest = person("guest")
    guest.user_permissions.add(Permission.objects.get(codename="view_run", content_type__app_label="headway"))
    run = go_on(begin(demo, items=400), 50)
    visitor = visit(guest)
    visitor.open(run)
    visitor.reads("started by demo")

    go_on(run, 50)
    visitor.reads("100 of 400")

    for name in ("Pause", "Cancel"):
        expect(visitor.page.get_by_role("button", name=name)).to_be_hidden()
