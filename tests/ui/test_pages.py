"""The pages as the server makes them: who may see and press what, bad input, and no query in a template."""

import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.template import Context, Template
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import path

from example import settings as example
from headway import panel, runs
from headway.models import Run
from headway.operations import registry
from headway.snapshots import snapshot
from headway.ui import StartRunView, failures
from tests.app.ledger import WriteLedger

from .forms import Asking
from .scenes import begin, finish, go_on, hear_of_a_worker

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

START = "/start/tests.write_ledger/"
GIVEN = {"items": "10", "work_us": "0"}


@pytest.fixture
def client(demo: Any) -> Client:
    """demo's browser."""
    signed_in = Client()
    signed_in.force_login(demo)
    return signed_in


@pytest.fixture
def stranger(person: Callable[..., Any]) -> Client:
    """The browser of somebody else."""
    signed_in = Client()
    signed_in.force_login(person("other"))
    return signed_in


def addresses(run: Run) -> list[str]:
    """All pages that show a run or do something to it."""
    return [f"/runs/{run.pk}/{ending}" for ending in ("", "pause/", "resume/", "cancel/", "retry/")]


def test_whoever_is_not_signed_in_is_asked_to(demo: Any) -> None:
    run = begin(demo)

    for address in ["/", START, f"/runs/{run.pk}/", "/start/airports.import_airports/"]:
        answer = Client().get(address)
        assert (answer.status_code, answer["Location"]) == (302, f"/login/?next={address}")
    for address in addresses(run)[1:]:
        assert Client().post(address).status_code == 302
    assert Run.objects.get().state == "queued"


def test_a_run_of_somebody_else_is_not_there(demo: Any, stranger: Client) -> None:
    run = begin(demo)

    assert stranger.get(addresses(run)[0]).status_code == 404
    assert {stranger.post(address).status_code for address in addresses(run)[1:]} == {404}
    assert str(run.pk) not in stranger.get("/").content.decode()
    assert Run.objects.get().state == "queued"


def test_whoever_may_only_see_a_run_can_not_steer_it(demo: Any, person: Callable[..., Any]) -> None:
    from django.contrib.auth.models import Permission

    guest = person("guest")
    guest.user_permissions.add(Permission.objects.get(codename="view_run", content_type__app_label="headway"))
    client = Client()
    client.force_login(guest)
    run = begin(demo)

    assert client.get(addresses(run)[0]).status_code == 200
    answers = [client.post(address) for address in addresses(run)[1:]]
    assert {answer.status_code for answer in answers} == {403}
    assert all("takes the permission “headway.change_run”" in answer.text for answer in answers)


@pytest.mark.parametrize(
    ("permission", "why"),
    [
        (None, "Only staff may start this. Ask somebody of the staff"),
        ("shop.export", "It takes the permission “shop.export”, which you don’t have. Ask a person who manages"),
    ],
)
def test_a_user_who_may_not_start_it_reads_why(
    client: Client, demo: Any, monkeypatch: pytest.MonkeyPatch, permission: str | None, why: str
) -> None:
    monkeypatch.setattr(registry.get("tests.exit"), "permission", permission)
    client.force_login(demo)
    for answer in (client.get("/start/tests.exit/"), client.post("/start/tests.exit/")):
        assert answer.status_code == 403
        assert "You may not start “Exit”" in answer.text
        assert why in answer.text
        assert 'class="hw-page"' in answer.text


def test_a_press_needs_a_token(demo: Any) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(demo)
    run = begin(demo)

    assert {client.post(address).status_code for address in [*addresses(run)[1:], START]} == {403}
    assert Run.objects.get().state == "queued"


def test_looking_does_nothing(client: Client, demo: Any) -> None:
    run = begin(demo)

    answers = [client.get(address) for address in addresses(run)[1:]]

    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(303, f"/runs/{run.pk}/")}
    assert Run.objects.get().state == "queued"


def test_whoever_presses_when_signed_out_comes_to_the_run_after_signing_in(demo: Any) -> None:
    run = begin(demo)
    client = Client()
    pressed = client.post(f"/runs/{run.pk}/cancel/")

    answer = client.post(pressed["Location"], {"username": "demo", "password": "demo"}, follow=True)

    assert answer.redirect_chain[-1] == (f"/runs/{run.pk}/", 303)
    assert answer.status_code == 200


def test_an_operation_that_is_not_there_is_not_found(client: Client) -> None:
    assert client.get("/start/tests.nothing/").status_code == 404
    assert client.get(f"/runs/{uuid4()}/").status_code == 404


def test_text_is_called_by_the_language_that_it_is_in(client: Client, settings: Any) -> None:
    settings.LANGUAGES = example.LANGUAGES

    page = client.get("/", headers={"Accept-Language": "de"}).content.decode()

    assert '<html lang="en">' in page
    assert 'data-lang="en"' in page


def test_what_was_typed_stays_beside_what_is_wrong_with_it(client: Client) -> None:
    answer = client.post(START, GIVEN | {"items": "many", "reject": "1,2"})

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Enter a whole number." in page
    assert 'value="many"' in page
    assert 'value="1,2"' in page
    assert not Run.objects.exists()


def test_the_same_page_sent_twice_is_one_run_even_after_its_end(client: Client) -> None:
    sent = GIVEN | {"headway_key": "page-of-one-click"}

    first = client.post(START, sent)
    finish(Run.objects.get())
    second = client.post(START, sent)

    run = Run.objects.get()
    assert (first.status_code, first["Location"]) == (303, f"/runs/{run.pk}/")
    assert (second.status_code, second["Location"]) == (303, f"/runs/{run.pk}/?found=replayed")


def test_the_same_page_with_something_else_in_it_is_another_run(client: Client) -> None:
    client.post(START, GIVEN | {"headway_key": "page-of-one-click"})

    client.post(START, GIVEN | {"items": "11", "headway_key": "page-of-one-click"})

    assert sorted(run.params["items"] for run in Run.objects.all()) == [10, 11]


def test_a_key_that_can_not_be_one_is_not_taken(client: Client) -> None:
    assert client.post(START, GIVEN | {"headway_key": "a\nb"}).status_code == 303
    assert Run.objects.count() == 1


def test_whatever_a_form_makes_of_what_is_typed_is_started(client: Client) -> None:
    sent = {"really": "True", "factor": "0.5", "halves": ["0.5", "1.5"], "names": "Ada  Eve", "meters": "3"}
    sent |= {"given": '"text"', "on": "", "at_0": "2026-11-24", "at_1": "16:08", "maybe": "true"}

    answer = client.post(f"/start/{Asking.name}/", sent)

    assert answer.status_code == 303, answer.content.decode()
    assert Run.objects.get().params == {
        "really": True,
        "factor": 0.5,
        "halves": [0.5, 1.5],
        "names": ["Ada", "Eve"],
        "meters": 300,
        "given": "text",
        "on": None,
        "at": {"$datetime": "2026-11-24T16:08:00+00:00"},
        "sure": False,
        "maybe": True,
    }


def test_a_run_that_is_in_the_way_is_named_for_what_it_is(
    client: Client, demo: Any, person: Callable[..., Any]
) -> None:
    from django.contrib.auth.models import Permission

    demo.user_permissions.add(Permission.objects.get(codename="view_run", content_type__app_label="headway"))
    run = begin(person("other"), "tests.newest", count=1)

    answer = client.post("/start/tests.newest/", {"count": "1"})

    page = answer.content.decode()
    assert answer.status_code == 409
    assert f"/runs/{run.pk}/" in page
    assert "is still under way" in page
    assert "Your run" not in page
    assert "other parameters" not in page


@pytest.mark.parametrize("query", ["after=x", "after=-1", "after=" + "9" * 40, "code=%00", "confirm=cancel", "found=x"])
def test_a_query_that_makes_no_sense_does_no_harm(client: Client, demo: Any, query: str) -> None:
    run = finish(begin(demo, items=5, reject="1"))

    assert client.get(f"/runs/{run.pk}/?{query}").status_code == 200
    assert client.get(f"/?{query}").status_code == 200


def test_no_items_an_unknown_operation_and_odd_names_are_shown(client: Client, demo: Any) -> None:
    nothing = finish(begin(demo, items=0))
    odd = finish(begin(demo, items=5, reject="1,2,3"))
    name = "<script>alert(1)</script> & " + "long" * 50
    odd.outcomes.update(label=name, text=name, code="rejected")
    Run.objects.filter(pk=odd.pk).update(operation="tests.was_removed")

    assert "There was nothing to do." in client.get(f"/runs/{nothing.pk}/").content.decode()
    page = client.get(f"/runs/{odd.pk}/").content.decode()
    assert "<script>alert" not in page
    assert "tests.was_removed" in page


def test_staff_are_told_how_to_start_a_worker(client: Client, demo: Any) -> None:
    run = begin(demo)

    for_all = client.get(f"/runs/{run.pk}/").content.decode()
    demo.is_staff = True
    demo.save()
    for_staff = client.get(f"/runs/{run.pk}/").content.decode()

    assert "Nothing is working at the moment." in for_all
    assert "manage.py headway_worker" not in for_all
    assert "manage.py headway_worker" in for_staff


def test_the_list_goes_on_page_by_page(client: Client, demo: Any) -> None:
    made = [str(finish(begin(demo, items=1)).pk) for _ in range(23)]

    first = client.get("/").content.decode()
    (after,) = re.findall(r'href="\?after=([^"]+)"', first)
    older = client.get(f"/?after={after}").content.decode()

    assert [run_id in first for run_id in made] == [False] * 3 + [True] * 20
    assert [run_id in older for run_id in made] == [True] * 3 + [False] * 20


def test_a_reason_that_is_found_far_behind_is_told_by_its_code(demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("headway.store.parts.outcomes.LOOKED_AT", 3)
    run = finish(begin(demo, items=10, reject="1,2,3", fail="4"))

    reasons = failures.reasons_of(snapshot(run.pk))

    assert [(reason["code"], reason["count"], reason["share"]) for reason in reasons] == [
        ("rejected", 3, 75.0),
        ("bad-value", 1, 25.0),
    ]
    assert [bool(reason["example"]) for reason in reasons] == [True, False]


def test_a_list_costs_as_many_statements_as_one_run(client: Client, demo: Any) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as asked:
            client.get("/")
        return len(asked)

    hear_of_a_worker()
    finish(begin(demo, items=3, reject="1"))
    client.get("/")
    one = cost()
    for _ in range(5):
        finish(begin(demo, items=3, reject="1"))

    assert cost() == one


def test_templates_ask_the_database_nothing(client: Client, demo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    render = Template.render

    def watched(self: Template, context: Any) -> Any:
        with CaptureQueriesContext(connection) as within:
            found = render(self, context)
        asked.extend(query["sql"] for query in within.captured_queries)
        return found

    run = finish(begin(demo, items=30, reject="1,2", fail="3"))
    monkeypatch.setattr(Template, "render", watched)

    for address in ["/", START, f"/runs/{run.pk}/", "/start/airports.import_airports/"]:
        assert client.get(address).status_code == 200

    assert asked == []


HOST_PAGE = Template("{% load headway %}{% headway_media %}{% headway_run run %}")


class StartElsewhere(StartRunView):
    """A host project's own page."""

    operation = WriteLedger

    def get_success_url(self, started: Any) -> str:
        return f"/mine/{started.run.pk}/"


class HostUrls:
    """A project that mounts nothing of ours."""

    urlpatterns = [path("begin/", StartElsewhere.as_view())]


def test_a_host_project_puts_the_panel_on_its_own_page(demo: Any, settings: Any) -> None:
    settings.ROOT_URLCONF = HostUrls
    run = go_on(begin(demo, items=400), 50)

    html = HOST_PAGE.render(Context({"run": run, "user": demo, "csrf_token": "token"}))

    assert 'data-face="running"' in html
    assert "You can close this page. The work goes on." in html
    assert re.search("<noscript>.*Reload the page to see how far it is.*</noscript>", html)
    assert "headway-run.js" in html
    assert "data-can-steer" not in html  # nothing would take what is pressed


def test_a_host_projects_own_page_of_a_run_is_where_its_retry_is_looked_for(demo: Any, settings: Any) -> None:
    settings.ROOT_URLCONF = HostUrls
    run = finish(begin(demo, items=20, reject="3"))
    retry = runs.retry(run).run
    page = Template("{% load headway %}{% headway_run run page=page %}")

    of_first, of_retry = (
        page.render(Context({"run": each, "user": demo, "page": f"/mine/{each.pk}/"})) for each in (run, retry)
    )

    assert f'href="/mine/{retry.pk}/">See that run</a>' in of_first
    assert f'href="/mine/{run.pk}/">See that run</a>' in of_retry
    with pytest.raises(ValueError, match=f"page is '/mine/'; give this run's own address, with its id {run.pk} in it."):
        page.render(Context({"run": run, "user": demo, "page": "/mine/"}))


def test_a_host_project_starts_from_its_own_address(client: Client, settings: Any) -> None:
    settings.ROOT_URLCONF = HostUrls

    answer = client.post("/begin/", GIVEN)

    assert (answer.status_code, answer["Location"]) == (303, f"/mine/{Run.objects.get().pk}/")


def test_whoever_only_watches_sees_no_button_in_the_tag_either(demo: Any, person: Callable[..., Any]) -> None:
    run = go_on(begin(demo, items=400), 50)
    guest = person("guest")

    shown = panel.show(run, guest)

    assert not shown.can_steer
    assert "data-can-steer" not in HOST_PAGE.render(Context({"run": shown, "user": guest}))


def test_retrying_twice_leads_to_the_same_run(client: Client, demo: Any) -> None:
    run = finish(begin(demo, items=20, reject="3"))

    first = client.post(f"/runs/{run.pk}/retry/")
    second = client.post(f"/runs/{run.pk}/retry/")
    finish(Run.objects.get(retry_of=run))
    third = client.post(f"/runs/{run.pk}/retry/")

    retry = Run.objects.get(retry_of=run)
    assert {first["Location"], second["Location"]} == {f"/runs/{retry.pk}/"}
    assert third["Location"] == f"/runs/{retry.pk}/?found=retried"


def test_the_pages_of_a_run_and_of_its_retry_lead_to_each_other(client: Client, demo: Any) -> None:
    run = finish(begin(demo, items=20, reject="3"))
    retry = runs.retry(run).run

    page, other, home = (client.get(address).text for address in (f"/runs/{run.pk}/", f"/runs/{retry.pk}/", "/"))

    assert f'href="/runs/{retry.pk}/">See that run</a>' in page
    assert f'href="/runs/{run.pk}/">See that run</a>' in other
    assert re.findall(r'<small data-if="retries"( hidden)?>', home) == ["", " hidden"]
    assert re.search(r'<form[^>]* data-action="retry"[^>]* hidden>', page)


def test_a_press_that_comes_too_late_leads_to_where_the_run_is(client: Client, demo: Any) -> None:
    run = begin(demo)
    runs.cancel(run)

    answer = client.post(f"/runs/{run.pk}/pause/", follow=True)

    assert answer.redirect_chain == [(f"/runs/{run.pk}/?found=too-late", 303)]
    assert "That came too late." in answer.content.decode()


def test_a_form_with_an_old_token_is_told_what_to_do(demo: Any) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(demo)

    answer = strict.post(START, GIVEN)

    assert (answer.status_code, "This page was too old" in answer.content.decode()) == (403, True)
    assert '<a class="hw-link" href="">Load it again</a>' in answer.content.decode()
    assert not Run.objects.exists()


def test_a_mistake_has_a_page_that_needs_nothing(django_assert_num_queries: Any, rf: Any) -> None:
    from headway.http.handlers import server_error

    with django_assert_num_queries(0):
        answer = server_error(rf.get("/"))

    assert (answer.status_code, "Something went wrong" in answer.content.decode()) == (500, True)
    assert "{%" not in answer.content.decode()
