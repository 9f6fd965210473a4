"""Items in doubt: the page says what to do, and a person says what they have found, of all or one by one."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from playwright.sync_api import expect

from headway import runs
from headway.models import ItemOutcome, Run
from tests.app import outside
from tests.app.driving import drive

from .visitor import Visitor

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

DOUBT = ".hw-doubt"


@pytest.fixture
def doubtful(script: dict[str, Any], demo: Any) -> Run:
    """A run of twelve, three of which are in doubt."""
    return outside.doubtful(demo)


def test_all_at_once(visitor: Visitor, doubtful: Run) -> None:
    visitor.open(doubtful)
    visitor.reads("3 items are in doubt", DOUBT)
    visitor.reads("In doubt: 3. Say whether they went out before you retry: a retry only lists them again.")
    expect(visitor.page.get_by_role("button", name="Retry", exact=True)).to_be_visible()
    visitor.press("All of them went out")
    visitor.reads("Say that all 3 went out?", DOUBT)
    visitor.page.get_by_role("link", name="Not yet").click()
    visitor.press("None of them did")
    visitor.reads("Say that none of the 3 went out?", DOUBT)
    assert set(outside.codes(doubtful).values()) == {"in-doubt"}
    visitor.press("None of them went out")

    expect(visitor.page.locator(DOUBT)).to_have_count(0)
    visitor.reads("not-sent", "#failures")
    assert set(outside.codes(doubtful).values()) == {"not-sent"}
    visitor.press("Retry 3 failed")
    visitor.page.wait_for_url(lambda address: str(doubtful.pk) not in address)


def test_one_by_one(visitor: Visitor, doubtful: Run) -> None:
    visitor.open(doubtful)
    visitor.page.get_by_role("link", name="Say it one by one").click()
    visitor.page.get_by_role("button", name="5 went out", exact=True).click()

    visitor.reads("2 items are in doubt", DOUBT)
    assert outside.codes(doubtful)["5"] == "went-out"
    assert visitor.page.url.endswith(f"/runs/{doubtful.pk}/?code=in-doubt&after=0#items"), "back to the list"
    visitor.page.get_by_role("button", name="7 did not go out", exact=True).click()
    visitor.reads("1 item is in doubt", DOUBT)
    assert outside.codes(doubtful) == {"2": "in-doubt", "5": "went-out", "7": "not-sent"}
    visitor.reads("Gone out after all: 1. No retry does that again. In doubt: 1.")
    expect(visitor.page.get_by_role("button", name="Retry 1 failed", exact=True)).to_be_visible()
    visitor.page.get_by_role("button", name="2 went out", exact=True).click()
    visitor.page.wait_for_url(f"**/runs/{doubtful.pk}/")


@pytest.mark.parametrize("asked", ["both", "once", "one"])
def test_what_was_settled_in_another_tab_is_told_to_the_person_who_settles_it_again(
    client: Client, demo: Any, doubtful: Run, asked: str
) -> None:
    client.force_login(demo)
    address = f"/runs/{doubtful.pk}/"
    runs.settle(doubtful, went_out=True, keys=["5"])
    if asked != "one":
        runs.settle(doubtful, went_out=False)

    if asked == "once":
        answer = client.get(address, {"confirm": "went-out"})
    else:
        said = {"went_out": "yes"} if asked == "both" else {"went_out": "no", "key": "5"}
        answer = client.post(f"{address}settle/", said, follow=True)
    assert "That had been settled already" in answer.text
    assert "Settled as gone out: 1." in answer.text
    assert ("Settled as not gone out: 2." in answer.text) == (asked != "one")


def test_what_a_retry_has_taken_along_is_settled_there_and_not_here(
    client: Client, demo: Any, doubtful: Run, script: dict[str, Any]
) -> None:
    client.force_login(demo)
    retry = drive(runs.retry(doubtful).run)
    old, new = (client.get(f"/runs/{run.pk}/").text for run in (doubtful, retry))
    assert ["3 items are in doubt" in page for page in (old, new)] == [False, True]
    answer = client.post(f"/runs/{doubtful.pk}/settle/", {"went_out": "yes"})
    assert answer["Location"] == f"/runs/{retry.pk}/?found=retried"


def test_a_press_on_a_run_that_goes_on_again_is_too_late(client: Client, demo: Any, doubtful: Run) -> None:
    client.force_login(demo)
    Run.objects.filter(pk=doubtful.pk).update(state="running", finished_at=None, live_key="live")
    answer = client.get(f"/runs/{doubtful.pk}/", {"confirm": "not-sent"})
    assert ("That came too late." in answer.text, "settled already" in answer.text) == (True, False)


def test_their_keys_are_shown_where_they_are_not_their_names(client: Client, demo: Any, doubtful: Run) -> None:
    client.force_login(demo)
    shown = [f'<small class="hw-code">{key}</small>' in client.get(f"/runs/{doubtful.pk}/").text for key in (2, 5)]
    ItemOutcome.objects.filter(run=doubtful).update(label="Ada")

    assert shown == [False, False]
    page = client.get(f"/runs/{doubtful.pk}/").text
    assert [f'<small class="hw-code">{key}</small>' in page for key in (2, 5, 7)] == [True] * 3


def test_who_may_not_steer_is_not_asked(
    visit: Callable[..., Visitor], person: Callable[..., Any], doubtful: Run
) -> None:
    guest = person("guest")
    guest.user_permissions.add(Permission.objects.get(codename="view_run", content_type__app_label="headway"))
    visitor = visit(guest)
    visitor.open(doubtful)
    visitor.reads("in-doubt", "#failures")
    expect(visitor.page.locator(DOUBT)).to_have_count(0)
