"""Who may start an operation from Headway's own pages and API, and of what there is one live run."""

from typing import Any

import pytest
from django.test import Client

from headway import Operation, runs
from headway.errors import DeclarationError, RunConflict, StartForbidden
from tests.app.sources import Numbers

from .conftest import Caller
from .operations import CountForm

pytestmark = pytest.mark.once


class Undeclared(Operation):
    """Says nothing of who may start it."""

    name = "tests.http_undeclared"
    params = CountForm

    def items(self) -> Numbers:
        return Numbers(self.params["count"])

    def process(self, number: int) -> None: ...


class OneForAll(Undeclared):
    name = "tests.http_one_for_all"
    permission = "signed-in"
    one_run_per = "operation"


class OneForEachSet(Undeclared):
    name = "tests.http_one_for_each_set"
    permission = "signed-in"
    one_run_per = "params"


def names_of(api: Any) -> list[str]:
    return [operation["name"] for operation in api.get("/api/operations/").json()["results"]]


def test_what_declares_no_permission_is_started_by_staff_alone(api: Any, person: Caller, nobody: Any) -> None:
    from .client import Api

    person("boss", is_staff=True)
    refused = api.start(Undeclared.name, {"count": 3})
    assert (refused.status_code, refused.json()["detail"]) == (
        403,
        "Only staff may start tests.http_undeclared, since it declares no `permission`.",
    )
    assert nobody.start(Undeclared.name, {"count": 3}).status_code == 401
    assert Api("boss").start(Undeclared.name, {"count": 3}).status_code == 202
    assert (Undeclared.name in names_of(api), Undeclared.name in names_of(Api("boss"))) == (False, True)


def test_its_page_is_for_staff_as_well(demo: Any, person: Caller) -> None:
    address = f"/start/{Undeclared.name}/"
    for user, status in ((demo, 403), (person("boss", is_staff=True), 200)):
        client = Client()
        client.force_login(user)
        assert client.get(address).status_code == status


def test_code_decides_for_itself_where_no_permission_is_named(demo: Any) -> None:
    assert runs.start(Undeclared, {"count": 3}, user=demo).run.started_by_id == demo.pk


def test_signed_in_is_everybody_who_has_signed_in_and_nobody_else(api: Any) -> None:
    from django.contrib.auth.models import AnonymousUser

    assert api.start(OneForAll.name, {"count": 3}).status_code == 202
    with pytest.raises(StartForbidden, match=r"Sign in to start tests\.http_one_for_all\."):
        runs.start(OneForAll, {"count": 3}, user=AnonymousUser())


def test_one_run_for_all_users_is_in_the_way_of_every_other(demo: Any, person: Caller) -> None:
    run = runs.start(OneForAll, {"count": 3}, user=demo).run
    assert runs.start(OneForAll, {"count": 3}, user=demo).run == run
    for count in (3, 4):
        with pytest.raises(RunConflict):
            runs.start(OneForAll, {"count": count}, user=person(f"other{count}"))


def test_one_run_for_each_set_of_parameters_whoever_starts_it(demo: Any, person: Caller) -> None:
    other = person("other", "headway.view_run")
    run = runs.start(OneForEachSet, {"count": 3}, user=demo).run
    assert runs.start(OneForEachSet, {"count": 3}, user=other).run == run
    assert runs.start(OneForEachSet, {"count": 4}, user=demo).run != run
    runs.cancel(run)
    assert runs.start(OneForEachSet, {"count": 3}, user=other).run != run


@pytest.mark.parametrize(
    ("declared", "advice"),
    [
        ({"permission": "signed in"}, "permission is 'signed in'; it must name one with its app"),
        ({"one_run_per": "everybody"}, "one_run_per is 'everybody'; it must be one of user, operation, params"),
        (
            {"one_run_per": "operation", "concurrency_key": lambda self: 1},
            "one_run_per and concurrency_key both say of what there is one live run",
        ),
    ],
)
def test_what_can_not_be_meant_is_refused_when_the_class_is_made(declared: dict[str, Any], advice: str) -> None:
    with pytest.raises(DeclarationError, match=advice):
        type("Wrong", (Undeclared,), {"__module__": __name__, "name": "tests.http_wrong", **declared})
