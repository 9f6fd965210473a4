"""The address under which the API is mounted says what lies below it."""

import pytest

from .client import Api

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

BELOW = {"operations": "/api/operations/", "runs": "/api/runs/", "events": "/api/events/"}


def test_it_names_what_may_be_asked_and_the_schema(api: Api) -> None:
    assert api.get("/api/").json() == {"links": {**BELOW, "schema": "/api/schema/"}}


@pytest.mark.urls("tests.http.only_ours")
def test_where_the_project_has_mounted_no_schema_none_is_named(api: Api) -> None:
    assert api.get("/api/").json() == {"links": BELOW}
