"""Where something is missing or goes wrong in the browser, a panel goes on by other ways, or says that it can't."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from headway import runs
from headway.snapshots import snapshot
from tests.live.server import serving
from tests.workers import until

from .gallery import CSP, faced, page_of
from .scenes import begin, done, finish, go_on, hear_of_a_worker
from .visitor import STREAMS, Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

TURNS = "() => getComputedStyle(document.querySelector('.hw-run-head .hw-state .hw-icon')).animationName"


@pytest.mark.parametrize(
    "missing",
    [
        "TextDecoderStream = WebSocket = undefined",
        "TextDecoderStream = WebSocket = class { constructor() { throw new Error('mistake'); } }",
    ],
)
def test_without_streams_the_panel_goes_on_by_polls(visitor: Visitor, demo: Any, missing: str) -> None:
    visitor.expects_errors = True
    visitor.context.add_init_script(f"{missing};")
    run = go_on(begin(demo, items=400), 50)
    visitor.open(run)

    go_on(run, 50)
    visitor.reads("100 of 400")
    finish(run)

    visitor.sees("succeeded")


def test_a_message_that_can_not_be_shown_is_survived(visitor: Visitor, demo: Any) -> None:
    """The page says that it can't be believed, nothing turns, and the next good message takes that back."""
    visitor.expects_errors = True
    visitor.lacks_sockets()
    visitor.page.emulate_media(reduced_motion="no-preference")
    held: list[Route] = []
    visitor.page.route(STREAMS, lambda route: route.abort())
    visitor.page.route("**/wait/*", lambda route: held.append(route))
    run = snapshot(go_on(begin(demo, items=400), 50).pk)
    visitor.open(f"/runs/{run['id']}/")
    broken = visitor.page.locator(".hw-run-broken")

    until(lambda: visitor.page.title() and held)
    held.pop().fulfill(json={"run": run | {"revision": run["revision"] + 1, "progress": None}})
    expect(broken.get_by_role("link", name="Load this page again")).to_be_visible()
    turning = visitor.page.evaluate(TURNS)
    until(lambda: visitor.page.title() and held)
    held.pop().fulfill(json={"run": run | {"revision": run["revision"] + 2, "message": "here again"}})

    visitor.reads("here again")
    expect(broken).to_be_hidden()
    assert turning == "none"


def test_where_no_static_file_is_served_the_pages_load_themselves_anew(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    visitor.context.route("**/static/**", lambda route: route.fulfill(status=404))
    run = go_on(begin(demo, items=400), 50)
    other = visitor.tab()
    other.goto("/")
    visitor.open(run)

    finish(run)

    visitor.sees("succeeded")
    expect(other.locator("headway-runs")).to_contain_text("Succeeded")


def test_where_the_api_is_not_mounted_the_page_loads_itself_anew(
    visit: Callable[..., Visitor], demo: Any, tmp_path: Path
) -> None:
    with serving(tmp_path / "log", TEST_URLCONF="tests.ui.pages_alone") as server:
        visitor = visit(demo, server=server)
        run = go_on(begin(demo, items=400), 50)
        visitor.open(run)

        finish(run)

        visitor.sees("succeeded")


def test_a_script_that_does_not_come_leaves_a_page_that_says_so(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    visitor.page.emulate_media(reduced_motion="no-preference")
    visitor.page.route("**/headway-run.js", lambda route: route.abort())
    visitor.open(go_on(begin(demo, items=400), 50))

    assert visitor.page.evaluate(TURNS) == "none"
    broken = visitor.page.locator(".hw-run-broken")
    assert visitor.page.evaluate("getComputedStyle(document.querySelector('.hw-run-broken')).visibility") == "hidden"
    visitor.page.evaluate("document.getAnimations().forEach((one) => one.finish())")

    expect(broken).to_be_visible()


def test_a_lost_connection_does_not_say_that_a_paused_run_works(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    visitor.lacks_sockets()
    run = go_on(begin(demo, items=400), 50)
    runs.pause(run)
    visitor.page.route("**/api/**", lambda route: route.abort())
    visitor.open(run)
    visitor.sees("lost")

    visitor.reads("Nothing is lost.")
    expect(visitor.page.locator(".hw-run-say")).not_to_have_text("Still working")
    expect(visitor.page.get_by_text("Still working on the server.")).to_be_hidden()


def test_connect_now_says_at_once_that_it_tries(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    visitor.lacks_sockets()
    visitor.page.route("**/api/**", lambda route: route.abort())
    visitor.open(go_on(begin(demo, items=400), 50))
    visitor.sees("lost")
    visitor.page.unroute("**/api/**")
    visitor.page.route("**/api/**", lambda route: None)

    visitor.press("Connect now")

    visitor.reads("It is trying again now.")


def test_the_list_says_that_it_is_offline_and_comes_back(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    run = go_on(begin(demo, items=400), 50)
    visitor.open("/")
    notice = visitor.page.locator("[data-notice]").get_by_text("Connection lost.")
    expect(notice).to_be_hidden()

    visitor.context.set_offline(True)
    expect(notice).to_be_visible()
    go_on(run, 50)
    visitor.context.set_offline(False)

    expect(visitor.page.locator("tr[data-run]")).to_contain_text("100 of 400")
    expect(notice).to_be_hidden()


def test_the_list_says_that_one_is_signed_out(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    visitor.page.route(STREAMS, lambda route: route.abort())
    go_on(begin(demo, items=400), 50)
    visitor.open("/")
    visitor.context.clear_cookies()

    notice = visitor.page.locator("[data-notice]")
    expect(notice).to_contain_text("You are signed out.")
    notice.get_by_role("link", name="Sign in").click()

    expect(visitor.page).to_have_title("Sign in · Headway example")


def test_a_row_of_a_run_that_ended_while_nobody_looked_is_brought_up_to_date(visitor: Visitor, demo: Any) -> None:
    """Its owner's stream no longer speaks of it."""
    run = go_on(begin(demo, items=400), 50)
    visitor.page.route(
        "**/api/events/", lambda route: route.fulfill(content_type="text/event-stream", body="retry: 60000\n\n")
    )
    visitor.page.route("**/api/runs/", lambda route: route.fulfill(json={"results": []}))
    visitor.open("/")
    finish(run)

    expect(visitor.page.locator("tr[data-run]")).to_contain_text("Succeeded", timeout=15_000)


def test_times_are_not_shown_before_they_are_the_readers(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    visitor.page.route("**/headway-run*.js", lambda route: route.abort())
    hidden = "() => [...document.querySelectorAll('time')].map((one) => getComputedStyle(one).visibility)"
    for address in (begin(demo, items=400), "/"):
        visitor.open(address)

        assert set(visitor.page.evaluate(hidden)) == {"hidden"}
        visitor.page.evaluate(
            "document.getAnimations().forEach((one) => one.effect.target.localName === 'time' && one.finish())"
        )
        assert set(visitor.page.evaluate(hidden)) == {"visible"}  # the script doesn't come: better than none


def test_a_run_that_is_being_counted_shows_no_part_of_a_bar_in_its_first_second(visitor: Visitor) -> None:
    html = page_of(faced("counting"))
    visitor.page.route("**/gallery/", lambda route: route.fulfill(body=html, content_type="text/html", headers=CSP))
    visitor.open("/gallery/")

    seen = visitor.page.evaluate(
        """() => {
          const sweep = document.querySelector(".hw-bar-sweep");
          const at = (moment) => {
            sweep.getAnimations().forEach((one) => (one.currentTime = moment));
            return getComputedStyle(sweep).visibility;
          };
          return [at(0), at(1100)];
        }"""
    )

    assert seen == ["hidden", "visible"]


def test_a_screen_reader_is_told_of_steps_and_not_of_every_message(visitor: Visitor, demo: Any) -> None:
    """On a page that is opened in the middle of a run."""
    hear_of_a_worker()
    run = go_on(begin(demo, items=400), 110)
    visitor.open(run)
    visitor.reads("110 of 400")
    visitor.page.evaluate(
        """() => {
          window.spoken = [];
          const place = document.querySelector("[data-part='spoken']");
          new MutationObserver(() => spoken.push(place.textContent))
            .observe(place, { subtree: true, childList: true, characterData: true, attributes: true });
        }"""
    )

    for _ in range(14):
        run = go_on(run, 20)
        visitor.reads(f"{done(run)} of 400")
        if done(run) < 200:  # what was told of 110 isn't read as if it were so now
            expect(visitor.page.locator("[data-part='spoken']")).to_have_text("")
    finish(run)
    visitor.sees("succeeded")

    spoken = [text for text in visitor.page.evaluate("window.spoken") if text]
    steps = [float(text.split(":")[-1].split("%")[0]) for text in spoken[:-1]]
    assert len(steps) == 2  # the first ones past a half and three quarters that the page was told of
    assert 50 <= steps[0] < 75 <= steps[1]
    assert spoken[-1] == "Write ledger has finished: 400 succeeded."
