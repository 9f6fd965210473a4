"""A form whose constructor takes `user` gets the one who starts: pages, HTTP, the shell and code, and once more."""

from typing import Any

import pytest
from django import forms
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from headway import Operation, runs
from headway.errors import InvalidParams
from headway.models import Run
from headway.operations import schema
from headway.testing import instance
from tests.app.sources import Numbers

from .client import Api, assert_problem, path
from .conftest import Caller

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

NAME, KEY = "tests.own_shelf", "a-key-of-my-own"


class ShelfForm(forms.Form):
    """Which shelf: each user has one, staff has all, and only staff may burn it."""

    shelf = forms.ChoiceField(choices=[])
    owner = forms.CharField()
    burn = forms.BooleanField(required=False)

    def __init__(self, *args: Any, user: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["owner"].initial = "code" if user is None else user.username
        if user is not None and not user.is_staff:
            self.fields["shelf"].choices = [(user.username, "Yours")]  # type: ignore[attr-defined]
            del self.fields["burn"]
        else:
            self.fields["shelf"].choices = [(name, name) for name in ("demo", "other")]  # type: ignore[attr-defined]


class HandingOn(ShelfForm):
    """Names no user itself, and hands on what it is given."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)


class OwnShelf(Operation):
    """Only keeps what it was given."""

    permission = "signed-in"
    name = NAME
    params: Any = ShelfForm
    on_conflict = "allow"

    def items(self) -> Numbers:
        return Numbers(1)

    def process(self, number: int) -> None: ...


class HandedOn(OwnShelf):
    """The same, by a form's base."""

    name = "tests.handed_on"
    params: Any = HandingOn


def test_over_http_it_judges_and_fills_in_by_who_starts(api: Api, other: Api) -> None:
    mine = api.start(NAME, {"shelf": "demo"})
    theirs = other.start(NAME, {"shelf": "demo"})

    assert mine.json()["params"] == {"shelf": "demo", "owner": "demo"}
    (error,) = assert_problem(theirs, "validation")["errors"]
    assert (error["pointer"], error["code"]) == ("/shelf", "invalid_choice")


def test_a_field_that_the_user_does_not_have_is_no_parameter(api: Api, person: Caller) -> None:
    person("chief", is_staff=True)

    (error,) = assert_problem(api.start(NAME, {"shelf": "demo", "burn": True}), "validation")["errors"]
    allowed = Api("chief").start(NAME, {"shelf": "other", "burn": True})

    assert (error["pointer"], error["code"]) == ("/burn", "unknown")
    assert allowed.json()["params"] == {"shelf": "other", "owner": "chief", "burn": True}


def test_the_same_key_again_is_a_replay(api: Api) -> None:
    first = api.start(NAME, {"shelf": "demo"}, KEY)
    second = api.start(NAME, {"shelf": "demo"}, KEY)

    assert second["Idempotent-Replayed"] == "true"
    assert second.json()["id"] == first.json()["id"]


def test_the_page_shows_and_judges_the_users_own(demo: Any) -> None:
    browser, address = Client(), f"/start/{NAME}/"
    browser.force_login(demo)

    shown = browser.get(address).content.decode()
    refused = browser.post(address, {"shelf": "other", "owner": "demo"})
    started = browser.post(address, {"shelf": "demo", "owner": "demo"})

    assert 'value="demo"' in shown
    assert 'value="other"' not in shown
    assert (refused.status_code, started.status_code) == (422, 303)
    assert Run.objects.get().params == {"shelf": "demo", "owner": "demo"}


def test_the_shell_names_the_user(demo: Any) -> None:
    call_command("headway_run", NAME, "--param", "shelf=demo", "--user", "demo")

    assert Run.objects.get().params == {"shelf": "demo", "owner": "demo"}


@pytest.mark.parametrize("operation", [OwnShelf, HandedOn])
def test_code_gives_the_user_or_none(demo: Any, operation: type[Operation]) -> None:
    by_code = runs.start(operation, {"shelf": "other"}).run
    with pytest.raises(InvalidParams):
        runs.start(operation, {"shelf": "other"}, user=demo)

    assert by_code.params == {"shelf": "other", "owner": "code", "burn": False}
    assert instance(operation, {"shelf": "demo"}, user=User(username="demo")).params["owner"] == "demo"


def test_the_schema_is_one_for_all_users_and_names_no_choices_that_the_class_does_not(api: Api) -> None:
    properties = schema.of_form(ShelfForm)["properties"]
    (listed,) = (one for one in api.get(path("operations")).json()["results"] if one["name"] == NAME)

    assert list(properties) == ["shelf", "owner", "burn"]
    assert properties["shelf"] == {"type": ["string", "integer"]}
    assert listed["params"]["properties"] == properties
