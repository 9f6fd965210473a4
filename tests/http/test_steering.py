"""Rows 5, 6 and 12 of the contract: pause, resume, cancel, retry and delete."""

from typing import Any

import pytest

from headway.models import ItemOutcome, Run
from headway.runs import start
from tests.app.driving import after_items, claim, drive, work
from tests.http import operations  # noqa: F401  (they register themselves)

from .client import Api, assert_problem, path
from .conftest import Caller

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture
def run(demo: Any) -> Run:
    return start("tests.write_ledger", {"items": 5, "reject": "1"}, user=demo).run


@pytest.fixture
def ended(run: Run) -> Run:
    return drive(run)


def ask(api: Api, action: str, run: Run) -> Any:
    return api.post(path(f"run-{action}", run.pk))


def begun(run: Run) -> Any:
    """The run with an owner who has done an item."""
    work(claim(run), after_items(1))
    return claim(run)


def test_a_wish_is_202_as_soon_as_it_is_stored_and_200_when_it_is_so_already(api: Api, run: Run) -> None:
    part = begun(run)
    asked, again = ask(api, "pause", run), ask(api, "pause", run)
    work(part)
    so_already = ask(api, "pause", run)

    assert [each.status_code for each in (asked, again, so_already)] == [202, 202, 200]
    assert [each.json()["state"] for each in (asked, again, so_already)] == ["pausing", "pausing", "paused"]
    assert asked["Retry-After"] == "1"
    assert asked.json()["reason"] == {"code": "paused", "text": "Paused by demo."}


def test_resume_lets_it_go_on(api: Api, run: Run) -> None:
    part = begun(run)
    ask(api, "pause", run)
    work(part)
    resumed, again = ask(api, "resume", run), ask(api, "resume", run)

    assert (resumed.status_code, again.status_code) == (202, 200)
    assert resumed.json()["state"] == "running"
    assert drive(run).state == "partial"


def test_cancel_ends_it(api: Api, run: Run) -> None:
    part = begun(run)
    asked = ask(api, "cancel", run)
    work(part)
    again = ask(api, "cancel", run)

    assert (asked.status_code, asked.json()["state"]) == (202, "cancelling")
    assert (again.status_code, again.json()["state"]) == (200, "cancelled")


@pytest.mark.parametrize(("action", "actions"), [("pause", ["retry"]), ("resume", ["retry"]), ("cancel", ["retry"])])
def test_what_the_state_does_not_allow_is_refused_with_what_it_does(
    api: Api, ended: Run, action: str, actions: list[str]
) -> None:
    assert_problem(ask(api, action, ended), "invalid-state", state="partial", actions=actions)


def test_a_run_that_is_live_cannot_be_retried(api: Api, run: Run) -> None:
    assert_problem(ask(api, "retry", run), "invalid-state", state="queued", actions=["cancel"])


def test_a_retry_is_a_new_run_over_the_failed_items(api: Api, ended: Run) -> None:
    response = ask(api, "retry", ended)

    assert response.status_code == 202
    assert response["Headway-Disposition"] == "created"
    assert response["Location"] == response.json()["links"]["self"] != path("run", ended.pk)
    assert response.json()["retry_of"] == str(ended.pk)
    assert drive(Run.objects.get(pk=response.json()["id"])).total == 1


def test_a_retry_that_is_live_is_joined(api: Api, ended: Run) -> None:
    first, second = ask(api, "retry", ended), ask(api, "retry", ended)
    assert second.status_code == 202
    assert second["Headway-Disposition"] == "joined"
    assert second.json()["id"] == first.json()["id"]


def test_a_run_is_retried_once_and_the_refusal_names_the_newest_of_its_chain(api: Api, ended: Run) -> None:
    second = drive(Run.objects.get(pk=ask(api, "retry", ended).json()["id"]))
    third = drive(Run.objects.get(pk=ask(api, "retry", second).json()["id"]))
    assert_problem(ask(api, "retry", ended), "already-retried", newest=path("run", third.pk))


def test_a_run_without_failures_has_nothing_to_retry(api: Api, demo: Any) -> None:
    run = drive(start("tests.http_join", user=demo).run)
    assert_problem(ask(api, "retry", run), "nothing-to-retry")


def test_a_retry_joins_only_itself(api: Api, ended: Run, demo: Any) -> None:
    live = start("tests.write_ledger", {"items": 5}, user=demo).run
    assert_problem(ask(api, "retry", ended), "run-conflict", existing=path("run", live.pk))


def test_the_key_of_a_deleted_run_starts_nothing_and_says_so(api: Api) -> None:
    run = drive(Run.objects.get(pk=api.start("tests.http_join", {}, "a-key-of-demo").json()["id"]))
    api.delete(path("run", run.pk))

    body = assert_problem(api.start("tests.http_join", {}, "a-key-of-demo"), "not-found")
    assert "has been deleted" in body["detail"]
    assert api.start("tests.http_join", {}, "another-key").status_code == 202


def test_a_run_that_has_ended_can_be_deleted_with_all_that_belongs_to_it(api: Api, ended: Run) -> None:
    response = api.delete(path("run", ended.pk))

    assert (response.status_code, response.content) == (204, b"")
    assert not Run.objects.exists()
    assert not ItemOutcome.objects.exists()
    assert_problem(api.get(path("run", ended.pk)), "not-found")


def test_a_live_run_cannot_be_deleted(api: Api, run: Run) -> None:
    assert_problem(api.delete(path("run", run.pk)), "invalid-state", state="queued", actions=["cancel"])
    assert Run.objects.filter(pk=run.pk).exists()


def test_a_run_that_another_retries_cannot_be_deleted_before_it(api: Api, ended: Run) -> None:
    newer = Run.objects.get(pk=ask(api, "retry", ended).json()["id"])
    assert_problem(api.delete(path("run", ended.pk)), "invalid-state", newest=path("run", newer.pk))


@pytest.mark.parametrize("action", ["pause", "resume", "cancel", "retry", "delete"])
def test_who_may_see_but_not_steer_is_refused(run: Run, person: Caller, action: str) -> None:
    person("auditor", "headway.view_run")
    auditor = Api("auditor")
    response = auditor.delete(path("run", run.pk)) if action == "delete" else ask(auditor, action, run)

    assert_problem(response, "forbidden")
    assert auditor.get(path("run", run.pk)).status_code == 200


def test_who_may_change_runs_steers_those_of_others(run: Run, person: Caller) -> None:
    person("operator", "headway.view_run", "headway.change_run")
    assert ask(Api("operator"), "cancel", run).status_code == 202
