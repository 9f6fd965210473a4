"""Whoever clicks twice, reloads, goes back or opens another tab finds the same run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from example.airports.models import Airport
from headway.models import Run
from tests.files import dirty_rows, first_rows
from tests.workers import Workers

from .visitor import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

IMPORT = "/start/airports.import_airports/"
PRESS_TWICE = """() => {
  let sent = 0;
  document.addEventListener("submit", (event) => {
    if (!event.defaultPrevented) sent += 1;
    event.preventDefault(); // an upload that takes its time
  });
  const button = document.querySelector("form[data-start] button[type=submit]");
  button.click();
  button.click();
  return sent;
}"""


def choose(visitor: Visitor, file: Path) -> None:
    """Fill in the form, up to the click."""
    visitor.open(IMPORT)
    visitor.page.get_by_role("radio", name="Your own file").check()
    visitor.page.set_input_files("input[type=file]", file)


def test_one_click_imports_and_is_watched_to_its_end_without_a_reload(
    visitor: Visitor, workers: Workers, tmp_path: Path
) -> None:
    workers.start()
    choose(visitor, first_rows(tmp_path, 600))

    visitor.press("Start import")
    visitor.page.wait_for_url("**/runs/**")
    visitor.stay()
    visitor.sees("partial")

    run = Run.objects.get()
    visitor.reads("600 of 600")
    visitor.reads("Why", "#failures")  # came by itself, too
    assert visitor.has_stayed
    assert (run.state, str(run.pk)) == ("partial", visitor.run_id)


def test_a_second_click_on_the_same_page_starts_nothing(visitor: Visitor) -> None:
    visitor.open(IMPORT)

    visitor.page.evaluate(
        "() => { const form = document.querySelector('form[data-start]'); form.requestSubmit(); form.submit(); }"
    )
    visitor.page.wait_for_url("**/runs/**")

    assert visitor.run_id == str(Run.objects.get().pk)


def test_a_button_that_was_pressed_says_so_and_can_not_be_pressed_again(visitor: Visitor) -> None:
    visitor.open(IMPORT)

    sent = visitor.page.evaluate(PRESS_TWICE)

    button = visitor.page.locator("form[data-start] button[type=submit]")
    expect(button).to_have_text("Starting…")
    expect(button).to_have_attribute("aria-disabled", "true")
    assert sent == 1


def test_an_upload_that_was_stopped_can_be_started_again(visitor: Visitor) -> None:
    visitor.page.clock.install()
    visitor.open(IMPORT)
    visitor.page.evaluate(PRESS_TWICE)

    button = visitor.page.locator("form[data-start] button[type=submit]")
    expect(button).to_have_attribute("aria-disabled", "true")

    visitor.page.clock.fast_forward(6_000)

    expect(button).not_to_have_attribute("aria-disabled", "true")


def test_reload_back_and_another_tab_find_the_same_run(visitor: Visitor) -> None:
    visitor.open(IMPORT)
    visitor.press("Start import")
    visitor.page.wait_for_url("**/runs/**")
    run = Run.objects.get()

    visitor.page.reload()
    reloaded = visitor.run_id
    visitor.page.go_back()
    visitor.press("Start import")
    visitor.page.wait_for_url("**/runs/**")
    visitor.reads("This is already under way, here it is.", ".hw-notice")
    back = visitor.run_id
    visitor.page = visitor.tab()
    visitor.open(IMPORT)
    visitor.press("Start import")
    visitor.page.wait_for_url("**/runs/**")

    assert {reloaded, back, visitor.run_id} == {str(run.pk)}
    assert Run.objects.count() == 1


def test_a_dry_run_is_a_tick_beside_the_form_and_says_what_it_is_to_its_end(
    visitor: Visitor, workers: Workers, tmp_path: Path
) -> None:
    choose(visitor, first_rows(tmp_path, 60))
    visitor.page.get_by_role("checkbox", name="Dry run").check()
    visitor.press("Start import")
    visitor.page.wait_for_url("**/runs/**")
    visitor.sees("no-worker")
    visitor.reads("Dry run: nothing is changed.")

    workers.start()
    visitor.sees("succeeded")
    visitor.reads("Dry run: nothing is changed.")
    assert (Run.objects.get().dry_run, Airport.objects.count()) == (True, 0)

    visitor.open("/")
    visitor.reads("Dry run: nothing is changed.", "table")


def test_what_is_wrong_with_the_form_keeps_the_tick(visitor: Visitor) -> None:
    visitor.expects_errors = True  # Chromium reports the answer's status, 422
    visitor.open(IMPORT)
    visitor.page.get_by_role("radio", name="Your own file").check()
    visitor.page.get_by_role("checkbox", name="Dry run").check()
    visitor.page.evaluate("document.querySelector('form[data-start]').noValidate = true")
    visitor.press("Start import")
    expect(visitor.page.locator(".hw-error").first).to_be_visible()
    expect(visitor.page.get_by_role("checkbox", name="Dry run")).to_be_checked()


def test_another_device_finds_the_run_in_the_list(visit: Callable[..., Visitor], visitor: Visitor, demo: Any) -> None:
    visitor.open(IMPORT)
    visitor.press("Start import")
    visitor.page.wait_for_url("**/runs/**")

    other = visit(demo)
    other.open("/")
    other.page.get_by_role("table").get_by_role("link", name="Import airports").click()

    other.sees("no-worker")
    assert other.run_id == visitor.run_id


def test_another_file_while_one_is_imported_is_told_with_the_way_to_it(visitor: Visitor, tmp_path: Path) -> None:
    visitor.open(IMPORT)
    visitor.press("Start import")
    visitor.page.wait_for_url("**/runs/**")
    run = visitor.run_id
    visitor.expects_errors = True  # Chromium reports the answer's status, 409

    choose(visitor, first_rows(tmp_path, 5))
    visitor.press("Start import")
    visitor.reads("A run of “Import airports” is still under way", ".hw-notice")
    visitor.page.get_by_role("link", name="Watch the run that is under way").click()

    assert visitor.run_id == run
    assert Run.objects.count() == 1


def test_a_file_that_can_not_be_used_is_told_at_its_field(visitor: Visitor, tmp_path: Path) -> None:
    visitor.expects_errors = True  # 422
    choose(visitor, dirty_rows(tmp_path))

    visitor.press("Start import")

    visitor.reads("Columns are missing", "#id_file_error")
    expect(visitor.page.locator("input[type=file]")).to_have_attribute(
        "aria-describedby", "id_file_helptext id_file_error"
    )
    expect(visitor.page.get_by_role("radio", name="Your own file")).to_be_checked()
    assert not Run.objects.exists()


def test_a_file_that_is_chosen_is_the_one_that_is_imported(visitor: Visitor, tmp_path: Path) -> None:
    visitor.open(IMPORT)

    visitor.page.set_input_files("input[type=file]", first_rows(tmp_path, 5))
    expect(visitor.page.get_by_role("radio", name="Your own file")).to_be_checked()
    visitor.press("Start import")
    visitor.page.wait_for_url("**/runs/**")

    assert Run.objects.get().params["file"] is not None


def test_whoever_goes_back_to_the_bundled_file_lets_go_of_the_other(visitor: Visitor, tmp_path: Path) -> None:
    visitor.open(IMPORT)
    visitor.page.set_input_files("input[type=file]", first_rows(tmp_path, 5))

    visitor.page.get_by_role("radio", name="The bundled file").check()

    expect(visitor.page.locator("input[type=file]")).to_have_value("")


def test_without_script_a_file_beside_the_bundled_one_is_asked_about(
    visit: Callable[..., Visitor], demo: Any, tmp_path: Path
) -> None:
    visitor = visit(demo, java_script_enabled=False)
    visitor.expects_errors = True  # 422
    visitor.open(IMPORT)
    visitor.page.set_input_files("input[type=file]", first_rows(tmp_path, 5))

    visitor.press("Start import")

    visitor.reads("Select which is meant.", "#id_file_error")
    assert not Run.objects.exists()


def test_without_script_the_same_click_leads_to_the_same_end(
    visit: Callable[..., Visitor], demo: Any, workers: Workers, tmp_path: Path
) -> None:
    workers.start()
    visitor = visit(demo, java_script_enabled=False)
    choose(visitor, first_rows(tmp_path, 300))

    visitor.press("Start import")

    visitor.page.wait_for_url("**/runs/**")
    visitor.sees("succeeded")  # the page loads itself anew
    visitor.reads("300 of 300")
    expect(visitor.page.locator("meta[http-equiv=refresh]")).to_have_count(0)
