"""The views that the docs show: where the operation declares no permission, they start a run for staff alone."""

import builtins
import io
import json
from types import ModuleType
from typing import Any
from uuid import uuid4

import pytest
from django import forms
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.core.servers.basehttp import ServerHandler
from django.http import HttpResponse, JsonResponse
from django.test import Client, RequestFactory
from django.urls import include, path

from example.airports.operations import ExportAirports, ImportAirports
from headway.http.handlers import exception_handler
from headway.models import Run
from tests.tutorial.page import ROOT
from tests.unit.test_code_blocks import Known, snippets_of

from .client import assert_problem

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

START = {"from-a-view": "recalculate", "own-pages": "start_export", "own-endpoint": "Imports"}
"""Which view of each page starts the run."""


def written_on(page: str) -> dict[str, Any]:
    """What a reader has who writes down all of its blocks, one after the other."""
    names = {"__builtins__": Known(vars(builtins)), "__name__": "example.airports.page", "__package__": "x"}
    for snippet in snippets_of(ROOT / f"docs/how-to/{page}.md"):
        if snippet.language == "python":
            exec(compile(snippet.text, str(snippet), "exec"), names)
    return names


@pytest.fixture(autouse=True)
def undeclared(monkeypatch: pytest.MonkeyPatch, media: Any) -> None:
    """The operations of the example, as if they said nothing of who may start them."""
    for operation in (ExportAirports, ImportAirports):
        monkeypatch.setattr(operation, "permission", None)


def mount(settings: Any, page: str) -> dict[str, Any]:
    """What is written on the page, at `/start/` and `/runs-of-ours/…`, among the example's own addresses."""
    names = written_on(page)
    view = names[START[page]]
    urls = ModuleType("urls")
    urls.urlpatterns = [  # type: ignore[attr-defined]
        path("start/", getattr(view, "as_view", lambda: view)()),
        *names.get("urlpatterns", []),
        *([path("ours/<uuid:run_id>/", names["show_run"], name="run")] if "show_run" in names else []),
        path("", include("example.urls")),
    ]
    settings.ROOT_URLCONF = urls
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "headway.middleware.RefusalMiddleware"]
    return names


class AtRunserver(Client):
    """Its answers go out as runserver sends them: wsgiref refuses a header that isn't text and nothing but text."""

    def request(self, **request: Any) -> Any:
        answer = super().request(**request)
        ServerHandler(io.BytesIO(), io.BytesIO(), io.StringIO(), {}).start_response("200 OK", list(answer.items()))
        return answer


def caller(**columns: Any) -> Client:
    client = AtRunserver()
    client.force_login(User.objects.create_user("ada", **columns))
    return client


@pytest.mark.parametrize("page", START)
def test_an_example_starts_nothing_for_anybody_but_staff(settings: Any, page: str) -> None:
    mount(settings, page)

    answers = [client.post("/start/", {"file": ""}) for client in (Client(), caller())]

    assert {answer.status_code for answer in answers} <= {302, 401, 403}
    assert not Run.objects.exists()


@pytest.mark.parametrize("page", START)
def test_an_example_starts_a_run_for_staff_and_not_for_who_only_looks(settings: Any, page: str) -> None:
    mount(settings, page)
    staff = caller(is_staff=True)

    assert staff.get("/start/").status_code == 405
    assert not Run.objects.exists()
    answer = staff.post("/start/", {"csv": csv()} if page == "own-endpoint" else {})

    run = Run.objects.get()
    assert answer.status_code in (302, 202)
    assert str(run.pk) in answer["Location"]


def test_the_endpoints_own_tests_pass(settings: Any, client: Client, admin_client: Client) -> None:
    names = mount(settings, "own-endpoint")

    names["test_an_import_is_started_once_and_ends"](admin_client)
    names["test_it_is_for_staff"](client)


def test_the_exception_handler_tells_what_the_framework_and_headway_refuse(settings: Any, client: Client) -> None:
    views = mount(settings, "own-endpoint")
    for view in (views["Imports"], views["OneImport"]):
        view.get_exception_handler = lambda self: exception_handler

    assert_problem(client.post("/imports/"), "unauthenticated")
    assert_problem(caller().post("/imports/"), "forbidden")
    client.force_login(User.objects.create_user("boss", is_staff=True))
    assert_problem(client.post("/imports/"), "malformed")
    assert_problem(
        client.post("/imports/", {"csv": csv()}, headers={"Idempotency-Key": "short"}), "idempotency-key-invalid"
    )
    assert_problem(client.get(f"/imports/{uuid4()}/"), "not-found")


def test_the_form_view_tells_at_the_field_what_the_operations_form_refuses() -> None:
    class OtherForm(forms.Form):
        file = forms.FileField()

    class NewImport(written_on("from-a-view")["NewImport"]):  # type: ignore[misc]
        form_class = OtherForm

        def form_invalid(self, form: OtherForm) -> HttpResponse:
            return JsonResponse(form.errors)

    request = RequestFactory().post("/", {"file": ContentFile(b"name\nInnsbruck\n", "airports.csv")})
    request.user = User.objects.create_superuser("ada")

    told = json.loads(NewImport.as_view()(request).content)

    assert list(told) == ["file"]
    assert "icao" in told["file"][0]


def test_the_sign_in_for_others_than_staff_takes_them(settings: Any, client: Client) -> None:
    names: dict[str, Any] = {"__builtins__": Known(vars(builtins))}
    (block,) = (each for each in snippets_of(ROOT / "docs/how-to/serve.md") if "LoginView" in each.text)
    exec(compile(block.text, str(block), "exec"), names)
    urls = ModuleType("urls")
    urls.urlpatterns = [*names["urlpatterns"], path("", include("example.urls"))]  # type: ignore[attr-defined]
    settings.ROOT_URLCONF = urls
    User.objects.create_user("ada", password="correct horse")

    assert 'action=""' in client.get("/login/?next=/").text
    answer = client.post("/login/?next=/", {"username": "ada", "password": "correct horse"})

    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_a_mistake_is_left_to_django() -> None:
    assert exception_handler(ZeroDivisionError(), {}) is None


def csv() -> ContentFile[bytes]:
    return ContentFile(b"icao,iata,name,city,subd,country,elevation,lat,lon,tz\n", "airports.csv")
