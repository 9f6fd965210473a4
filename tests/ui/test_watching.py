"""The panel follows its run by whichever way works, never runs backwards, and says so when it has lost touch."""

import os
import re
import signal
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.sync_api import expect

from headway import runs
from headway.models import Run, Worker
from headway.snapshots import snapshot
from servers.web import Web
from tests.app.driving import after_items, claim, work
from tests.workers import Workers, environment, until

from .scenes import begin, finish, go_on, hear_of_a_worker, hold
from .visitor import STREAMS, Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

LONG_POLLS, SOCKETS = "**/wait/*", "**/ws/**"


@pytest.mark.parametrize(
    ("blocked", "way"),
    [([], "events"), ([STREAMS], "socket"), ([STREAMS, SOCKETS], "wait"), ([STREAMS, SOCKETS, LONG_POLLS], "runs")],
    ids=["stream", "socket", "long poll", "short poll"],
)
def test_the_end_is_reached_by_each_way(visitor: Visitor, demo: Any, blocked: list[str], way: str) -> None:
    visitor.expects_errors = bool(blocked)  # the requests that are refused
    if SOCKETS in blocked:
        visitor.page.route_web_socket(SOCKETS, lambda route: route.close())
    for pattern in blocked:
        visitor.page.route(pattern, lambda route: route.abort())
    answered: list[str] = []
    visitor.page.on("requestfinished", lambda request: answered.append(request.url))
    visitor.page.on("response", lambda response: answered.append(response.url))
    visitor.page.on("websocket", lambda opened: opened.on("framereceived", lambda _: answered.append("socket")))
    run = go_on(begin(demo, items=400), 50)
    visitor.open(run)
    visitor.stay()

    go_on(run, 100)
    visitor.reads("150 of 400")
    finish(run)
    visitor.sees("succeeded")

    visitor.reads("400 of 400")
    assert visitor.has_stayed
    seen = {"socket": "socket", "runs": "/api/runs/"}.get(way, f"/api/runs/{run.pk}/{way}/")
    assert any(seen in url for url in answered)


def test_a_server_that_has_too_many_streams_is_asked_less_often(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    visitor.lacks_sockets()
    refusal = {"status": 429, "headers": {"Retry-After": "1"}, "content_type": "application/problem+json", "body": "{}"}
    for pattern in (STREAMS, LONG_POLLS):
        visitor.page.route(pattern, lambda route: route.fulfill(**refusal))
    run = go_on(begin(demo, items=100), 10)
    visitor.open(run)

    finish(run)

    visitor.sees("succeeded")


def test_it_never_runs_backwards(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    visitor.lacks_sockets()
    visitor.page.route(STREAMS, lambda route: route.abort())
    run = go_on(begin(demo, items=400), 200)
    old = snapshot(run.pk)
    old |= {"revision": old["revision"] - 1, "progress": old["progress"] | {"processed": 1, "percent": 0.2}}
    asked: list[str] = []

    def answer(route: Any) -> None:
        asked.append(route.request.url)
        route.fulfill(json={"type": "snapshot", "run": old})

    visitor.page.route(LONG_POLLS, answer)
    visitor.open(run)
    until(lambda: visitor.page.evaluate("1") and len(asked) > 2)

    visitor.reads("200 of 400")


def test_a_worker_that_dies_is_told_and_another_goes_on(visitor: Visitor, demo: Any) -> None:
    run = go_on(begin(demo, items=400), 50)
    hold(run)
    hear_of_a_worker()
    visitor.open(run)
    visitor.stay()
    visitor.sees("running")

    Run.objects.filter(pk=run.pk).get().parts.update(due=1)
    visitor.sees("stalled")
    visitor.reads("Another takes over within 11 seconds")
    go_on(run, 50)
    visitor.sees("running")
    finish(run)
    visitor.sees("succeeded")

    assert visitor.has_stayed


def test_with_no_worker_left_nobody_is_promised_and_a_cancel_shows(visitor: Visitor, demo: Any) -> None:
    run = go_on(begin(demo, items=400), 50)
    hold(run)
    Worker.objects.all().delete()
    visitor.open(run)
    visitor.sees("running")

    run.parts.update(due=1)
    visitor.sees("unattended")
    visitor.reads("It goes on by itself as soon as a worker is there")
    visitor.press("Cancel")
    visitor.press("Cancel the run")

    visitor.sees("cancelled")


def test_a_cancel_ends_with_a_silent_workers_lease(visitor: Visitor, demo: Any) -> None:
    run = go_on(begin(demo, items=400), 50)
    hold(run)
    visitor.open(run)
    runs.cancel(run)
    visitor.sees("cancelling")
    visitor.reads("that takes about a second")

    run.parts.update(due=1)

    visitor.sees("cancelled")


def test_a_web_process_that_is_killed_and_started_again_is_found_within_5_s(
    visit: Callable[..., Visitor], demo: Any
) -> None:
    run = go_on(begin(demo, items=400), 50)
    with Web(application="tests.live.app:application", environment=environment()) as web:
        visitor = visit(demo, server=web)
        visitor.expects_errors = True  # connections that are refused
        visitor.open(run)
        visitor.stay()
        visitor.sees("running")

        web.crash()
        visitor.sees("lost")
        visitor.reads("Still working on the server.")
        go_on(run, 100)
        web.start()

        expect(visitor.page.locator(".hw-run")).to_have_attribute("data-face", "running", timeout=5_000)
        visitor.reads("150 of 400")
        finish(run)
        visitor.sees("succeeded")
        assert visitor.has_stayed


def test_a_browser_that_goes_offline_says_so_and_comes_back(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    run = go_on(begin(demo, items=400), 50)
    visitor.open(run)
    visitor.sees("running")

    visitor.context.set_offline(True)
    visitor.sees("lost")
    finish(run)
    visitor.context.set_offline(False)

    visitor.sees("succeeded")


def test_answers_that_are_somebody_elses_page_are_no_answers(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    visitor.lacks_sockets()
    run = go_on(begin(demo, items=400), 50)
    visitor.page.route("**/api/**", lambda route: route.fulfill(body="<h1>Sign in to the café's network</h1>"))
    visitor.open(run)
    visitor.sees("lost")

    visitor.page.unroute("**/api/**")
    finish(run)

    visitor.sees("succeeded")


def test_connect_now_tries_at_once(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    visitor.lacks_sockets()
    run = go_on(begin(demo, items=400), 50)
    visitor.page.route("**/api/**", lambda route: route.abort())
    visitor.open(run)
    visitor.sees("lost")
    visitor.page.unroute("**/api/**")
    visitor.page.evaluate("document.querySelector('[data-action=connect]').click()")

    expect(visitor.page.locator(".hw-run")).to_have_attribute("data-face", "running", timeout=500)


def test_whoever_is_signed_out_is_told(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    visitor.lacks_sockets()
    visitor.page.route(STREAMS, lambda route: route.abort())
    run = go_on(begin(demo, items=400), 50)
    visitor.context.clear_cookies()
    visitor.sign_in(demo)
    visitor.open(run)
    visitor.sees("running")

    visitor.context.clear_cookies()
    go_on(run, 50)

    visitor.sees("signed-out")


def test_states_and_fields_that_are_not_known_do_no_harm(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    visitor.lacks_sockets()
    visitor.page.route(STREAMS, lambda route: route.abort())
    run = go_on(begin(demo, items=400), 50)
    visitor.open(run)
    shown = visitor.page.evaluate("JSON.parse(document.querySelector('headway-run').dataset.run)")
    strange = shown | {"revision": shown["revision"] + 1, "state": "defrosting", "mood": ["new"]}
    messages = [{"type": "snapshot", "run": strange}, {"type": "weather"}]
    visitor.page.route(LONG_POLLS, lambda route: route.fulfill(json=messages.pop()) if messages else None)

    visitor.page.reload()

    visitor.sees("going-on")
    visitor.reads("defrosting")


def test_the_list_is_live_and_shows_runs_that_were_started_elsewhere(visitor: Visitor, demo: Any) -> None:
    run = go_on(begin(demo, items=400), 50)
    visitor.open("/")
    visitor.stay()
    rows = visitor.page.locator("tr[data-run]")
    expect(rows).to_have_count(1)

    go_on(run, 100)
    expect(rows.first).to_contain_text("150 of 400")
    finish(run)
    expect(rows.first).to_contain_text("Succeeded")
    begin(demo, items=3)

    expect(rows).to_have_count(2)
    assert visitor.has_stayed


def test_many_unknown_runs_are_fetched_at_once(visitor: Visitor, demo: Any) -> None:
    visitor.open("/")
    fetched: list[str] = []
    visitor.page.on("request", lambda request: fetched.append(request.url))

    visitor.page.evaluate(
        """async () => {
          const { refresh } = await import("/static/headway/refresh.js");
          await Promise.all(Array.from({ length: 44 }, refresh));
        }"""
    )

    pages = [address for address in fetched if address == f"{visitor.url}/"]
    assert len(pages) == 2  # the one under way, and one for all that came meanwhile


def test_a_list_keeps_its_language_and_asks_for_no_older_run(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    visitor.page.route("**/events/", lambda route: route.abort())
    run = snapshot(go_on(begin(demo, items=400), 50).pk)
    news = run | {"title": "Hauptbuch schreiben", "state": "pausing", "revision": run["revision"] + 1}
    older = run | {"id": "0198f3c2-0000-4000-8000-000000000000", "created_at": "2026-01-01T00:00:00Z"}
    visitor.page.route("**/api/runs/", lambda route: route.fulfill(json={"results": [older, news]}))
    visitor.open("/")
    fetched: list[str] = []
    visitor.page.on("request", lambda request: fetched.append(request.url))
    row = visitor.page.locator("tr[data-run]")

    expect(row).to_contain_text("Pausing")

    expect(row).to_contain_text("Write ledger")
    assert f"{visitor.url}/" not in fetched


def test_a_list_that_has_the_focus_is_replaced_when_it_has_lost_it(visitor: Visitor, demo: Any) -> None:
    go_on(begin(demo, items=400), 50)
    visitor.open("/")
    rows = visitor.page.locator("tr[data-run]")
    rows.first.get_by_role("link").focus()

    with visitor.page.expect_response(f"{visitor.url}/"):
        begin(demo, items=3)
    visitor.page.get_by_role("link", name="Skip to content").focus()

    expect(rows).to_have_count(2)


def test_all_times_of_a_list_are_the_readers(visit: Callable[..., Visitor], demo: Any) -> None:
    for run in (finish(begin(demo, items=1)), go_on(begin(demo, items=400), 50)):
        Run.objects.filter(pk=run.pk).update(created_at=datetime(2026, 1, 24, 14, 5, tzinfo=UTC))
    visitor = visit(demo, timezone_id="Africa/Kinshasa")
    visitor.open("/")
    times = visitor.page.locator("tr[data-run] time")

    expect(times).to_have_text([re.compile("15:05")] * 2)
    visitor.page.evaluate("import('/static/headway/refresh.js').then(({ refresh }) => refresh())")

    expect(times).to_have_text([re.compile("15:05")] * 2)


@pytest.mark.parametrize("event", ["online", "offline"])
def test_a_page_out_of_sight_rests_whatever_the_network_does(visitor: Visitor, demo: Any, event: str) -> None:
    visitor.expects_errors = True
    visitor.lacks_sockets()
    for pattern in (STREAMS, LONG_POLLS):
        visitor.page.route(pattern, lambda route: route.abort())
    run = go_on(begin(demo, items=400), 50)
    visitor.page.clock.install()
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    visitor.open(run)
    until(lambda: visitor.page.evaluate("1") and any("/api/runs/" in address for address in asked))

    visitor.page.evaluate(
        "Object.defineProperty(document, 'hidden', { value: true });"
        "document.dispatchEvent(new Event('visibilitychange'));"
        f"dispatchEvent(new Event('{event}'));"
    )
    visitor.page.clock.fast_forward(20_000)
    visitor.page.evaluate(f"dispatchEvent(new Event('{event}'))")
    asked.clear()
    for _ in range(5):
        visitor.page.clock.fast_forward(60_000)

    assert visitor.page.evaluate("document.hidden")
    assert asked == []


def test_a_killed_worker_is_taken_over_while_the_page_is_open(visitor: Visitor, demo: Any, workers: Workers) -> None:
    first = workers.start(lease_seconds=2)
    run = begin(demo, items=300, work_us=5000)
    visitor.open(run)
    visitor.sees("running")
    counts: list[int] = []
    visitor.page.expose_function("count", lambda count: counts.append(count))
    visitor.page.evaluate(
        "() => new MutationObserver(() => count(Number(document.querySelector('.hw-run-count strong')"
        ".textContent.replaceAll(',', '')))).observe(document.querySelector('.hw-run-count'),"
        " { subtree: true, childList: true, characterData: true })"
    )

    until(lambda: visitor.page.title() and counts and counts[-1] > 20)
    os.killpg(first.pid, signal.SIGKILL)
    workers.start(lease_seconds=2)
    visitor.sees("succeeded")

    assert counts == sorted(counts)
    visitor.reads("300 of 300")


def test_an_open_log_grows_as_the_run_goes_on_and_stays_open(
    visitor: Visitor, demo: Any, script: dict[str, Any]
) -> None:
    script["before"] = lambda operation, number: operation.say(f"Looked at {number}")
    run = begin(demo, "tests.scripted")
    work(claim(run), after_items(2))
    page = visitor.open(run)
    lines = page.locator("#log li")
    expect(lines).to_have_count(2)
    expect(lines.first).to_be_hidden()

    page.get_by_text("Log", exact=True).click()
    expect(lines.first).to_be_visible()
    work(claim(run), after_items(2))

    expect(lines).to_have_count(4)
    expect(lines.last).to_contain_text("Looked at 3")
    expect(lines.last).to_be_visible()
