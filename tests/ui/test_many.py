"""Many panels on a page, many tabs in a browser, over HTTP/1.1: each hears of its run, and a press is answered."""

import time
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from django.template import Context
from playwright.sync_api import Page, expect

from headway import panel
from headway.models import Run
from headway.store.parts import leases
from tests.app.driving import WORKER, after_items, work
from tests.workers import until

from .gallery import CSP, PAGE
from .scenes import begin, done, finish, go_on
from .visitor import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

PANELS, TABS = 12, 8  # more than the six connections that a browser opens to one server
LONG = 25.0  # s; half of a stream's life, and so less than anybody waits for another's connection
COUNTS = "() => [...document.querySelectorAll('.hw-run-count strong')].map((place) => place.textContent)"


def show(visitor: Visitor, runs: list[Run], user: Any) -> Page:
    """A page of the project's own with the panels of all these runs."""
    shown = [panel.show(run, user) for run in runs]
    visitor.open("/")
    token = visitor.page.locator("input[name=csrfmiddlewaretoken]").first.get_attribute("value")
    html = PAGE.render(Context({"shown": shown, "csrf_token": token, "user": user}))
    visitor.page.route("**/panels/", lambda route: route.fulfill(body=html, content_type="text/html", headers=CSP))
    return visitor.open("/panels/")


def advance(runs: list[Run]) -> None:
    """Visits of a worker, until each of them is at least 10 items further."""
    before = [done(run) for run in runs]
    picks = count(1)  # some go by age, so that one that a busy machine has held up needn't wait for all others
    while any(done(run) < earlier + 10 for run, earlier in zip(runs, before, strict=True)):
        part = leases.claim(WORKER, pick=next(picks))
        assert part is not None, "nothing is due"
        work(part, after_items(10))


def news(tabs: list[Page], runs: list[Run]) -> float:
    """Seconds until all panels of all tabs show what the worker has just done."""
    advance(runs)
    began = time.monotonic()
    counts = [f"{done(run):,}" for run in runs]
    for tab in tabs:
        until(lambda tab=tab: tab.evaluate(COUNTS) == counts)  # type: ignore[misc]
    return time.monotonic() - began


def pause(tab: Page) -> float:
    """Seconds until Pause, in the last of the tab's panels, is answered."""
    began = time.monotonic()
    tab.locator("headway-run").last.get_by_role("button", name="Pause").click()
    expect(tab.locator(".hw-run").last).to_have_attribute("data-face", "paused")
    return time.monotonic() - began


def test_all_panels_of_a_page_share_one_stream(visitor: Visitor, demo: Any) -> None:
    runs = [begin(demo, items=5000 + place) for place in range(PANELS)]
    advance(runs)
    alone = news([show(visitor, runs[:1], demo)], runs[:1])
    streams: list[str] = []
    visitor.page.on("request", lambda request: streams.append(request.url) if "/events/" in request.url else None)
    page = show(visitor, runs, demo)

    longest = max(news([page], runs) for _ in range(2))
    answered = pause(page)

    print(
        f"{PANELS} panels: {longest:.1f} s without news, Pause answered in {answered:.1f} s; one alone: {alone:.1f} s"
    )
    assert set(streams) == {f"{visitor.url}/api/events/"}
    assert (longest < LONG, answered < LONG) == (True, True)


def test_a_run_that_the_shared_stream_does_not_speak_of_is_followed_by_itself(visitor: Visitor, demo: Any) -> None:
    """As one that has ended while the page was out of sight."""
    visitor.expects_errors = True
    ended, run = finish(begin(demo, items=3)), go_on(begin(demo, items=400), 10)
    page = show(visitor, [run, ended], demo)
    page.route("**/api/events/", lambda route: route.fulfill(content_type="text/event-stream", body="retry: 60000\n\n"))
    page.reload()

    finish(run)

    expect(page.locator(".hw-run").first).to_have_attribute("data-face", "succeeded", timeout=15_000)


def test_eight_tabs_all_hear_of_the_run_and_pause_is_answered(visitor: Visitor, demo: Any) -> None:
    run = go_on(begin(demo, items=900), 10)
    alone = news([visitor.open(run)], [run])
    tabs = [visitor.tab() for _ in range(TABS)]
    for tab in tabs:
        tab.goto(f"/runs/{run.pk}/")

    longest = max(news(tabs, [run]) for _ in range(2))
    answered = pause(tabs[-1])

    print(f"{TABS} tabs: {longest:.1f} s without news, Pause answered in {answered:.1f} s; one alone: {alone:.1f} s")
    assert (longest < LONG, answered < LONG) == (True, True)


def test_without_https_only_the_tab_in_use_keeps_a_connection(visit: Callable[..., Visitor], demo: Any) -> None:
    run = go_on(begin(demo, items=400), 10)
    visitor = visit(demo)
    visitor.context.add_init_script(
        "Object.defineProperty(Navigator.prototype, 'locks', { value: undefined }); document.hasFocus = () => false;"
    )
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.open(run)

    go_on(run, 10)
    visitor.reads("20 of 400")

    assert not [address for address in asked if "/events/" in address or "/wait/" in address]
