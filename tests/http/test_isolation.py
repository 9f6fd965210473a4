"""Every route that we have, asked by those who may not: the list below must name each, or the first test fails."""

from typing import Any

import pytest
from django.urls import URLPattern, resolve

from headway.http import urls
from headway.http.downloads import FORMATS
from headway.models import Run
from headway.runs import start
from tests.app.driving import drive
from tests.http import operations  # noqa: F401  (they register themselves)

from .client import Api, assert_problem, path
from .conftest import Caller

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

OF_A_RUN = [
    ("get", "run", ()),
    ("delete", "run", ()),
    ("post", "run-pause", ()),
    ("post", "run-resume", ()),
    ("post", "run-cancel", ()),
    ("post", "run-retry", ()),
    ("get", "run-items", ()),
    ("post", "run-settle", ()),
    ("get", "run-log", ()),
    ("get", "run-failures", ("csv",)),
    ("get", "run-failures", ("ndjson",)),
    ("get", "run-results", ("csv",)),
    ("get", "run-results", ("ndjson",)),
    ("get", "run-file", ("csv",)),
    ("get", "run-file", ("ndjson",)),
    ("get", "run-wait", ()),
    ("get", "run-events", ()),
]
OF_ALL = [
    ("get", "index", ()),
    ("get", "operations", ()),
    ("get", "runs", ()),
    ("get", "events", ()),
    ("post", "start", ("airports.import_airports",)),
    ("post", "start", ("tests.http_join",)),
]
UNNAMED = {
    "^(?:operations|runs|events)(?:/.*)?$",  # what is at no address: not-found for everybody
    # Typed twins of `start` and of the downloads, which resolve first.
    *(f"runs/<headway_run:run_id>/{what}.{kind}" for what in ("failures", "results", "file") for kind in FORMATS),
}
LEFT_NOTHING = ("run-results", "run-file")  # by this run


@pytest.fixture
def run(demo: Any) -> Run:
    return drive(start("tests.write_ledger", {"items": 3, "reject": "1"}, user=demo).run)


@pytest.mark.parametrize(("name", "more"), [(name, more) for method, name, more in OF_A_RUN if method == "get"])
def test_a_runs_id_may_be_written_in_upper_case(api: Api, run: Run, name: str, more: tuple[str, ...]) -> None:
    address = path(name, run.pk, *more)
    upper = address.replace(str(run.pk), str(run.pk).upper())
    assert api.get(upper).status_code == api.get(address).status_code


def test_every_route_is_asked_below() -> None:
    assert all(isinstance(each, URLPattern) for each in urls.urlpatterns)
    starts = {str(each.pattern) for each in urls.starts}
    unnamed = {str(each.pattern) for each in urls.urlpatterns if each.name is None}
    named = {each.name for each in urls.urlpatterns if each.name is not None}

    assert named == {name for _, name, _ in OF_A_RUN + OF_ALL}
    assert unnamed == UNNAMED | starts


@pytest.mark.parametrize(("method", "name", "more"), OF_A_RUN)
def test_a_foreign_run_is_not_found_on_every_route(other: Api, run: Run, method: str, name: str, more: Any) -> None:
    before = Run.objects.values().get()
    assert_problem(getattr(other, method)(path(name, run.pk, *more)), "not-found")
    assert Run.objects.values().get() == before


@pytest.mark.parametrize(("method", "name", "more"), OF_A_RUN)
def test_a_foreign_run_and_none_at_all_get_the_same_answer(
    other: Api, run: Run, method: str, name: str, more: Any
) -> None:
    def told(run_id: str) -> str:
        content: bytes = getattr(other, method)(path(name, run_id, *more)).content
        return content.decode().replace(run_id, "…")

    assert told(str(run.pk)) == told("00000000-0000-4000-8000-000000000000")


@pytest.mark.parametrize(("method", "name", "more"), OF_A_RUN)
def test_nobody_is_refused_on_every_route_of_a_run(nobody: Api, run: Run, method: str, name: str, more: Any) -> None:
    assert_problem(getattr(nobody, method)(path(name, run.pk, *more)), "unauthenticated")


@pytest.mark.parametrize(("method", "name", "more"), OF_ALL)
def test_nobody_is_refused_on_every_other_route(nobody: Api, method: str, name: str, more: Any) -> None:
    assert_problem(getattr(nobody, method)(path(name, *more)), "unauthenticated")
    assert not Run.objects.exists()


@pytest.mark.parametrize(("method", "name", "more"), OF_ALL)
def test_no_other_route_tells_anybody_of_a_foreign_run(other: Api, run: Run, method: str, name: str, more: Any) -> None:
    response = getattr(other, method)(path(name, *more))
    content = b"".join(response.streaming_content) if response.streaming else response.content
    assert str(run.pk).encode() not in content


def test_the_typed_twins_are_the_same_views() -> None:
    for name, arguments in (("start", ("airports.import_airports",)), ("run-failures", (Run().pk, "csv"))):
        twin = resolve(path(name, *arguments)).func
        generic = next(each.callback for each in urls.urlpatterns if each.name == name)
        assert twin.view_class is generic.view_class


def test_whoever_may_see_all_runs_sees_them_on_every_route_that_only_reads(run: Run, person: Caller) -> None:
    person("auditor", "headway.view_run")
    auditor = Api("auditor")
    reading = [(name, more) for method, name, more in OF_A_RUN if method == "get" and name not in LEFT_NOTHING]
    assert {auditor.get(path(name, run.pk, *more)).status_code for name, more in reading} == {200}
