"""Runs in Django's admin: what staff see of them, what they ask of several at once, and who may."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from headway import runs
from headway.models import Run
from tests.app import outside
from tests.app.driving import claim, fresh, start

pytestmark = pytest.mark.django_db(transaction=True)

RUNS = "/admin/headway/run/"


@pytest.fixture
def staff() -> User:
    """Somebody who may see and steer all runs, and do nothing else in the admin."""
    user = User.objects.create_user("staff", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=["view_run", "change_run"]))
    return user


@pytest.fixture
def admin(staff: User) -> Client:
    client = Client()
    client.force_login(staff)
    return client


def ask(client: Client, action: str, *found: Run) -> str:
    """What the list says when this was asked of these runs."""
    answer = client.post(RUNS, {"action": action, "_selected_action": [run.pk for run in found]}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.once
def test_the_list_has_each_run_with_its_word_its_counts_and_its_page(admin: Client, demo: Any, script: Any) -> None:
    run = outside.doubtful(demo)
    waits = start("tests.write_ledger")
    page = admin.get(RUNS).content.decode()
    assert "12 of 12, 3 failed" in page
    assert "Finished, <span" in page  # the word that its panel has
    for each in (run, waits):
        assert reverse("headway_ui:run", args=[each.pk]) in page
        assert f"{RUNS}{each.pk}/change/" in page


def test_a_page_of_runs_costs_as_many_statements_as_one_run(
    admin: Client, django_assert_max_num_queries: Any, demo: Any
) -> None:
    for _ in range(20):
        runs.start("tests.scripted", user=demo)
    with django_assert_max_num_queries(14):
        admin.get(RUNS)


def test_a_run_is_found_by_its_id_its_operation_and_its_starter(admin: Client, demo: Any) -> None:
    run = runs.start("tests.scripted", user=demo).run
    other = start("tests.write_ledger")
    for words in (str(run.pk), "tests.scripted", demo.get_username()):
        page = admin.get(RUNS, {"q": words}).content.decode()
        assert str(run.pk) in page
        assert str(other.pk) not in page


@pytest.mark.once
def test_one_run_can_be_looked_at_and_not_edited(admin: Client, demo: Any, script: Any) -> None:
    run = outside.doubtful(demo)
    page = admin.get(f"{RUNS}{run.pk}/change/").content.decode()
    assert "12 of 12, 3 failed" in page
    assert 'name="_save"' not in page
    assert admin.post(f"{RUNS}{run.pk}/change/", {"state": "failed"}).status_code == 403
    assert admin.get(f"{RUNS}{run.pk}/delete/").status_code == 403
    assert admin.get(f"{RUNS}add/").status_code == 403
    assert admin.get(f"{RUNS}no-such-run/change/").status_code == 302  # to the index, with a sentence


@pytest.mark.once
def test_several_are_steered_at_once_and_why_one_can_not_be_is_said(admin: Client) -> None:
    working, waits = start("tests.scripted"), start("tests.write_ledger")
    claim(working)
    said = ask(admin, "pause", working, waits)
    assert "Done for 1 run." in said
    assert f"{waits.pk}: The run is queued, so it can&#x27;t be asked to pause." in said
    assert (fresh(working).want, fresh(working).reason_text) == ("pause", "Paused by staff.")
    assert "Done for 1 run." in ask(admin, "resume", working)
    assert "Done for 2 runs." in ask(admin, "cancel", working, waits)
    assert (fresh(working).want, fresh(waits).state) == ("cancel", "cancelled")


@pytest.mark.once
def test_what_is_in_doubt_is_settled_and_what_did_not_go_out_is_retried(admin: Client, demo: Any, script: Any) -> None:
    run = outside.doubtful(demo)
    assert "Done for 1 run." in ask(admin, "none_went_out", run)
    said = ask(admin, "all_went_out", run)
    assert ("Nothing of it is in doubt." in said, "Done for" in said) == (True, False)
    assert set(outside.codes(run).values()) == {"not-sent"}
    assert "Done for 1 run." in ask(admin, "retry", run)
    assert Run.objects.filter(retry_of=run).exists()


@pytest.mark.once
def test_who_may_only_look_is_offered_no_action(admin: Client, staff: User) -> None:
    staff.user_permissions.set(Permission.objects.filter(codename="view_run"))
    run = start("tests.scripted")
    assert 'name="action"' not in admin.get(RUNS).content.decode()
    ask(admin, "cancel", run)
    assert fresh(run).state == "queued"


@pytest.mark.once
def test_staff_without_the_permission_see_no_runs(admin: Client, staff: User) -> None:
    staff.user_permissions.clear()
    assert admin.get(RUNS).status_code == 403
