"""What is pressed shows it at once, can't be pressed twice meanwhile, and says in people's words why it was refused."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.template import Context, Template
from django.urls import include, path
from playwright.sync_api import Route, expect

from headway import runs
from headway.models import Run
from tests.workers import until

from .gallery import CSP
from .scenes import begin, finish, go_on
from .visitor import STREAMS, Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

BUTTONS = "document.querySelectorAll('.hw-run-actions button')"
# In the frame that the browser paints next: whatever a machine's speed, nobody can see it sooner.
SEEN_AFTER_A_PRESS = """(label) => new Promise((resolve) => {
  const seen = (button) => [button.innerText, button.ariaDisabled];
  const button = [...document.querySelectorAll('.hw-run button')].find((one) => one.innerText === label);
  button.focus();
  button.click();
  const buttons = () => [...document.querySelectorAll('.hw-run-actions form:not([hidden]) button')];
  requestAnimationFrame(() => resolve(buttons().map(seen)));
})"""


def holding(visitor: Visitor, pattern: str) -> list[Route]:
    """Requests to this address, which the network keeps for now."""
    held: list[Route] = []
    visitor.page.route(pattern, lambda route: held.append(route))
    return held


@pytest.mark.parametrize(
    ("label", "shown", "action"),
    [("Pause", "Pausing…", "pause"), ("Resume", "Resuming…", "resume"), ("Retry 2 failed", "Retrying…", "retry")],
)
def test_a_press_shows_at_once_and_nothing_can_be_pressed_until_the_server_has_answered(
    visitor: Visitor, demo: Any, label: str, shown: str, action: str
) -> None:
    run = begin(demo, items=20, reject="3,7")
    run = finish(run) if action == "retry" else go_on(run, 10)
    if action == "resume":
        runs.pause(run)
    visitor.open(run)
    asked = holding(visitor, f"**/api/runs/*/{action}/")

    seen = visitor.page.evaluate(SEEN_AFTER_A_PRESS, label)
    visitor.page.evaluate(f"for (const button of {BUTTONS}) button.click()")

    assert [shown, "true"] in seen
    assert {disabled for _, disabled in seen} == {"true"}
    until(lambda: visitor.page.title() and asked)
    assert len(asked) == 1
    expect(visitor.page.get_by_text("Cancel this run?")).to_be_hidden()
    asked[0].continue_()
    expect(visitor.page.locator(".hw-run")).not_to_contain_text(shown)


def test_a_cancel_shows_at_once_and_the_focus_stays_at_its_button(visitor: Visitor, demo: Any) -> None:
    run = go_on(begin(demo, items=20), 10)
    visitor.open(run)
    asked = holding(visitor, "**/api/runs/*/cancel/")
    visitor.press("Cancel")

    seen = visitor.page.evaluate(SEEN_AFTER_A_PRESS, "Cancel the run")

    assert ["Cancelling…", "true"] in seen
    until(lambda: visitor.page.title() and asked)
    expect(visitor.page.get_by_role("button", name="Cancelling…")).to_be_focused()
    asked[0].continue_()
    visitor.sees("cancelled")
    expect(visitor.page.locator(".hw-run-title")).to_be_focused()


def test_the_focus_is_never_lost_when_a_face_changes(visitor: Visitor, demo: Any) -> None:
    """Whatever has it: it, or the run's title."""
    faces = ["running", "paused", "limited", "partial", "lost"]
    visitor.open(go_on(begin(demo, items=20, reject="3,7"), 10))

    had, found = visitor.page.evaluate(
        """async (faces) => {
          const { Panel } = await import("/static/headway/panel.js");
          const { Faces } = await import("/static/headway/faces.js");
          const { Words } = await import("/static/headway/words.js");
          const run = JSON.parse(document.querySelector("headway-run").dataset.run);
          const panel = new Panel(document.querySelector(".hw-run"));
          panel.use(new Faces(), new Words("en"));
          const show = (face, hrefs) => panel.show(run, { now: new Date(), override: face, hrefs, canSteer: true });
          const links = [...document.querySelectorAll(".hw-run a[data-href]")];
          const hrefs = Object.fromEntries(links.map((link) => [link.dataset.href, link.getAttribute("href")]));
          const visible = () => [...document.querySelectorAll(".hw-run a, .hw-run button")]
            .filter((one) => one.checkVisibility());
          const had = visible().map((one) => one.innerText);
          const found = {};
          for (const face of faces) {
            found[face] = [];
            for (const place of had.keys()) {
              show(null, hrefs);
              visible()[place].focus();
              const began = document.activeElement.innerText;
              show(face, {});
              const now = document.activeElement;
              found[face].push([began, now !== document.body && now.checkVisibility()]);
            }
          }
          return [had, found];
        }""",
        faces,
    )

    assert len(had) > 2
    assert found == {face: [[label, True] for label in had] for face in faces}


def refuse(visitor: Visitor, action: str, status: int, code: str, **members: Any) -> None:
    """The API's next answers to this action."""
    problem = {"type": f"urn:headway:problem:{code}", "status": status, "detail": "Developers' words.", **members}
    visitor.page.route(
        f"**/api/runs/*/{action}/",
        lambda route: route.fulfill(json=problem, status=status, content_type="application/problem+json"),
    )


@pytest.mark.parametrize(
    ("status", "code", "said", "way"),
    [
        (401, "unauthenticated", "You are signed out", "Sign in"),
        (403, "forbidden", "You may not do this", "Load this page again"),
        (404, "not-found", "has been deleted", None),
        (409, "invalid-state", "That came too late", None),
        (429, "rate-limited", "The server is busy", None),
        (429, "quota-exceeded", "as many runs as you may have", None),
        (503, "overloaded", "The server is busy", None),
        (500, "server-error", "That didn’t work", "Load this page again"),
        (418, "of-tomorrow", "That didn’t work", "Load this page again"),
    ],
)
def test_each_refusal_has_peoples_words_and_a_way_on(
    visitor: Visitor, demo: Any, status: int, code: str, said: str, way: str | None
) -> None:
    visitor.expects_errors = True
    visitor.open(go_on(begin(demo, items=20), 10))
    refuse(visitor, "pause", status, code)

    visitor.press("Pause")

    problem = visitor.page.locator(".hw-run-problem")
    expect(problem).to_contain_text(said)
    expect(problem).not_to_contain_text("Developers' words.")
    expect(problem.get_by_role("link")).to_have_text([way] if way else [])
    expect(visitor.page.get_by_role("button", name="Pause", exact=True)).not_to_have_attribute("aria-disabled", "true")


def test_a_run_that_was_retried_already_leads_to_the_latest(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True  # 409
    run = finish(begin(demo, items=20, reject="3,7"))
    visitor.open(run)
    newest = runs.retry(run).run
    finish(newest)

    visitor.press("Retry 2 failed")
    visitor.reads("It has been retried already.", ".hw-run-problem")
    assert not re.search(r"[0-9a-f]{8}-", visitor.page.locator(".hw-run-problem").inner_text())
    visitor.page.get_by_role("link", name="Watch the latest run").click()
    visitor.page.wait_for_url(f"**/runs/{newest.pk}/")


def test_a_token_that_is_too_old_is_renewed_and_the_press_counts(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True  # 403
    run = go_on(begin(demo, items=20), 10)
    visitor.open(run)
    visitor.stay()
    cookies = visitor.context.cookies()
    visitor.context.add_cookies([one | {"value": "x" * 32} for one in cookies if one["name"] == "csrftoken"])

    visitor.press("Pause")
    visitor.sees("paused")

    assert visitor.has_stayed


def test_a_form_takes_the_new_token_of_a_sign_in_in_another_tab(visitor: Visitor, demo: Any) -> None:
    form, other = visitor.open("/start/tests.write_ledger/"), visitor.tab()
    token = form.locator("[data-start] [name=csrfmiddlewaretoken]")
    old = token.input_value()
    other.goto("/login/")
    other.get_by_label("Username").fill("demo")
    other.get_by_label("Password").fill("demo")
    other.get_by_role("button", name="Sign in").click()
    other.wait_for_url("**/")
    other.close()

    form.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # no window of a test is ever hidden
    expect(token).not_to_have_value(old)
    form.get_by_role("button", name="Start").click()

    form.wait_for_url("**/runs/*/")


def test_whoever_was_signed_out_is_led_to_the_sign_in_and_back(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True  # 401
    run = go_on(begin(demo, items=20), 10)
    with visitor.page.expect_response(STREAMS):  # let in, it stays; refused, it would be the first to tell
        visitor.open(run)
    visitor.context.clear_cookies(name="sessionid")

    visitor.press("Pause")
    visitor.page.locator(".hw-run-problem").get_by_role("link", name="Sign in").click()
    visitor.page.get_by_label("Username").fill("demo")
    visitor.page.get_by_label("Password").fill("demo")
    visitor.press("Sign in")

    visitor.page.wait_for_url(f"**/runs/{run.pk}/")
    visitor.sees("running")


def test_a_press_that_nobody_answers_can_be_made_again(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True
    run = go_on(begin(demo, items=20), 10)
    visitor.open(run)
    visitor.page.route("**/api/runs/*/pause/", lambda route: route.fulfill(body="<h1>The café's network</h1>"))

    visitor.press("Pause")
    visitor.reads("That didn’t reach the server. Try again.", ".hw-run-problem")
    visitor.page.unroute("**/api/runs/*/pause/")
    visitor.press("Pause")

    visitor.sees("paused")
    expect(visitor.page.locator(".hw-run-problem")).to_be_hidden()


def test_where_there_are_no_pages_a_retry_is_shown_in_place_with_its_own_number(
    visit: Callable[..., Visitor], demo: Any, person: Callable[..., Any]
) -> None:
    run = finish(begin(demo, items=20, reject="3,7"))
    visitor = visit(person("root", is_superuser=True))
    visitor.page.route(f"**/runs/{run.pk}/", lambda route: route.fulfill(body=without_pages(route), headers=CSP))
    visitor.open(run)
    visitor.reads("started by demo")

    visitor.press("Retry 2 failed")
    visitor.sees("no-worker")

    retry = Run.objects.get(retry_of=run)
    expect(visitor.page.locator("[data-run-number]")).to_have_text(str(retry.pk)[:8])
    visitor.reads("started by you")


def without_pages(route: Route) -> str:
    """The page, as if only the API were mounted."""
    return re.sub(r' data-page="[^"]*"', "", route.fetch().text())


class ApiAlone:
    """A project that mounts the API without the pages."""

    urlpatterns = [path("api/", include("headway.http.urls"))]


OWN_PAGE = Template(
    "{% load headway %}<!doctype html>{% if media %}{% headway_media %}{% endif %}{% headway_run run page=page %}"
)
TOKEN = "t" * 32


@pytest.mark.parametrize(
    ("media", "script", "pressed"),
    [(True, True, "Pause"), (True, False, None), (False, True, None)],
    ids=["script", "no script", "no headway_media"],
)
def test_where_there_are_no_pages_buttons_are_there_once_the_script_can_send_them(
    visit: Callable[..., Visitor], demo: Any, settings: Any, media: bool, script: bool, pressed: str | None
) -> None:
    run = go_on(begin(demo, items=20), 10)
    visitor = visit(demo, java_script_enabled=script)
    visitor.context.add_cookies([{"name": "csrftoken", "value": TOKEN, "url": visitor.url}])
    settings.ROOT_URLCONF = ApiAlone
    html = OWN_PAGE.render(Context({"run": run, "user": demo, "csrf_token": TOKEN, "media": media}))
    visitor.page.route("**/mine/", lambda route: route.fulfill(body=html, content_type="text/html", headers=CSP))
    visitor.open("/mine/")

    if pressed is None:
        expect(visitor.page.get_by_role("button")).to_have_count(0)
    else:
        visitor.press(pressed)
        visitor.sees("paused")


def test_a_retry_leads_to_the_projects_own_page_of_the_new_run(visitor: Visitor, demo: Any, settings: Any) -> None:
    run = finish(begin(demo, items=20, reject="3,7"))
    visitor.context.add_cookies([{"name": "csrftoken", "value": TOKEN, "url": visitor.url}])
    settings.ROOT_URLCONF = ApiAlone
    address = f"/mine/{run.pk}/"
    html = OWN_PAGE.render(Context({"run": run, "page": address, "user": demo, "csrf_token": TOKEN, "media": True}))
    visitor.page.route("**/mine/*/", lambda route: route.fulfill(body=html, content_type="text/html", headers=CSP))
    visitor.open(address)

    visitor.press("Retry 2 failed")

    expect(visitor.page).to_have_url(re.compile(rf"/mine/(?!{run.pk})[0-9a-f-]{{36}}/$"))
    retry = Run.objects.get(retry_of=run)
    assert visitor.page.url.endswith(f"/mine/{retry.pk}/")


def test_a_second_retry_in_place_shows_the_latest_run(visitor: Visitor, demo: Any) -> None:
    visitor.expects_errors = True  # 409
    run = finish(begin(demo, items=20, reject="3,7"))
    visitor.page.route(f"**/runs/{run.pk}/", lambda route: route.fulfill(body=without_pages(route), headers=CSP))
    visitor.open(run)
    newest = finish(runs.retry(run).run)

    visitor.press("Retry 2 failed")

    expect(visitor.page.locator("[data-run-number]")).to_have_text(str(newest.pk)[:8])
