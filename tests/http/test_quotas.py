"""What one person can pile up is bounded, and how often they may start, whichever door they come through."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, override_settings
from rest_framework.settings import api_settings

from headway import runs
from headway.errors import InvalidParams, QuotaExceeded
from headway.models import IdempotencyKey, Run
from headway.store.starts import quotas
from tests.app.driving import drive
from tests.http import operations  # noqa: F401  (they register themselves)

from .client import Api, assert_problem, path

pytestmark = pytest.mark.django_db(transaction=True)

JOIN, ALLOW, QUEUE, PEOPLE = "tests.http_join", "tests.http_allow", "tests.http_queue", "tests.http_people"


@pytest.fixture
def browser(demo: Any) -> Client:
    client = Client()
    client.force_login(demo)
    return client


@pytest.fixture
def three_runs(settings: Any) -> None:
    settings.HEADWAY = settings.HEADWAY | {"RUNS_PER_USER": 3}


def people(rows: int = 10) -> SimpleUploadedFile:
    return SimpleUploadedFile("people.csv", b"name\n" + b"Ada\n" * rows)


@pytest.mark.usefixtures("three_runs")
@pytest.mark.parametrize("operation", [ALLOW, QUEUE])
def test_runs_that_have_not_ended_are_bounded(api: Api, other: Api, operation: str) -> None:
    started = [api.start(operation, {"count": count}).json()["id"] for count in range(3)]
    refused = api.start(operation, {"count": 9})
    assert_problem(refused, "quota-exceeded")
    assert int(refused["Retry-After"]) > 0
    assert Run.objects.count() == 3
    assert other.start(ALLOW).status_code == 202  # each has their own

    api.post(path("run-cancel", started[-1]))
    assert api.start(operation, {"count": 9}).status_code == 202


@pytest.mark.usefixtures("three_runs")
def test_a_start_that_adds_no_run_is_not_refused(api: Api) -> None:
    api.start(JOIN, key="the-key-of-this-start")
    for count in range(2):
        api.start(ALLOW, {"count": count})
    assert api.start(JOIN, key="the-key-of-this-start")["Headway-Disposition"] == "replayed"
    assert api.start(JOIN)["Headway-Disposition"] == "joined"


@pytest.mark.usefixtures("three_runs")
@pytest.mark.once
def test_code_has_no_quota(demo: Any) -> None:
    for _ in range(5):
        runs.start(ALLOW)
    for _ in range(3):
        runs.start(ALLOW, user=demo)
    with pytest.raises(QuotaExceeded):
        runs.start(ALLOW, user=demo)


@pytest.mark.usefixtures("three_runs")
@pytest.mark.once
def test_a_retry_counts_as_well(api: Api, browser: Client, demo: Any) -> None:
    failed = drive(runs.start(ALLOW, {"count": 2, "reject": "1"}, user=demo).run)
    for _ in range(3):
        runs.start(ALLOW, user=demo)
    assert_problem(api.post(path("run-retry", failed.pk)), "quota-exceeded")
    response = browser.post(f"/runs/{failed.pk}/retry/", follow=True)
    assert "many runs that have not ended" in response.text


@pytest.mark.usefixtures("three_runs")
@pytest.mark.once
def test_the_page_says_so(browser: Client, demo: Any) -> None:
    for _ in range(3):
        runs.start(ALLOW, user=demo)
    response = browser.post(f"/start/{ALLOW}/", {"count": 1})
    assert response.status_code == 429
    assert "many runs that have not ended" in response.text


def test_uploads_that_are_kept_are_bounded_until_their_runs_are_deleted(api: Api, media: Path, settings: Any) -> None:
    settings.HEADWAY = settings.HEADWAY | {"UPLOAD_BYTES_PER_USER": 100}
    first = api.upload(PEOPLE, {"file": people(10)}).json()["id"]
    drive(Run.objects.get(pk=first))
    assert_problem(api.upload(PEOPLE, {"file": people(20)}), "quota-exceeded")
    assert len([each for each in media.rglob("*") if each.is_file()]) == 1
    api.delete(path("run", first))
    assert api.upload(PEOPLE, {"file": people(20)}).status_code == 202


def test_keys_that_join_one_run_are_bounded(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "KEYS_PER_RUN", 3)
    for number in range(3):
        assert api.start(JOIN, key=f"key-number-{number}").status_code == 202
    assert_problem(api.start(JOIN, key="key-number-3"), "quota-exceeded")
    assert api.start(JOIN, key="key-number-2")["Headway-Disposition"] == "replayed"
    assert IdempotencyKey.objects.count() == 3


@pytest.fixture
def twice_a_minute() -> Iterator[None]:
    cache.clear()
    with override_settings(
        REST_FRAMEWORK={**api_settings.user_settings, "DEFAULT_THROTTLE_RATES": {"headway-start": "2/min"}}
    ):
        yield
    cache.clear()


@pytest.mark.once
@pytest.mark.usefixtures("twice_a_minute")
def test_the_rate_of_starts_holds_on_every_door(api: Api, browser: Client, demo: Any) -> None:
    failed = drive(runs.start(ALLOW, {"count": 2, "reject": "1"}, user=demo).run)
    assert browser.post(f"/start/{ALLOW}/", {"count": 1}).status_code == 303
    assert api.start(ALLOW).status_code == 202

    assert_problem(api.start(ALLOW), "rate-limited")
    assert_problem(api.post(path("run-retry", failed.pk)), "rate-limited")
    refused = browser.post(f"/start/{ALLOW}/", {"count": 1})
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= 60
    assert "You have started so many" in refused.text
    assert "You have started so many" in browser.post(f"/runs/{failed.pk}/retry/", follow=True).text
    assert Run.objects.count() == 3
    assert browser.post(f"/runs/{failed.pk}/cancel/").status_code == 303  # steering has no rate


@pytest.mark.once
def test_the_upload_limit_holds_on_every_door(browser: Client, demo: Any, settings: Any) -> None:
    settings.HEADWAY = settings.HEADWAY | {"MAX_UPLOAD_BYTES": 100}
    with pytest.raises(InvalidParams) as refused:
        runs.start(PEOPLE, {"file": people(30)}, user=demo)
    assert [(error.pointer, error.code) for error in refused.value.errors] == [("/file", "too-large")]
    response = browser.post(f"/start/{PEOPLE}/", {"file": people(30), "copies": 1})
    assert response.status_code == 422
    assert "At most 100" in response.text
    assert runs.start(PEOPLE, {"file": people(30)}).run  # code may
