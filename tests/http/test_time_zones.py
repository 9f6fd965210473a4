"""A project may keep its times without a zone (USE_TZ = False): what people and programs see is the same."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from headway.models import Run
from headway.runs import start
from headway.snapshots import snapshot
from tests.app.driving import counted, drive, fresh

from .client import Api, path

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True, params=[True, False], ids=["USE_TZ", "no USE_TZ"])
def far_from_greenwich(request: pytest.FixtureRequest, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Kathmandu"  # UTC+05:45
    settings.USE_TZ = request.param


def begun(user: Any) -> Run:
    return start("tests.write_ledger", {"items": 1}, user=user).run


def ended(user: Any) -> Run:
    run = drive(begun(user))
    counted()
    return run


def test_moments_are_told_in_utc(demo: Any) -> None:
    seen = snapshot(ended(demo).pk)

    for name in ("created_at", "started_at", "updated_at", "finished_at"):
        assert seen[name].endswith("Z")
        told = parse_datetime(seen[name])
        assert told is not None
        assert abs(datetime.now(UTC) - told) < timedelta(minutes=1)


def test_a_fresh_run_and_a_stored_one_say_the_same(demo: Any) -> None:
    run = begun(demo)

    assert run.created_at == fresh(run).created_at
    assert run.created_at.tzinfo is not None


def test_a_project_may_ask_by_its_own_clock(demo: Any) -> None:
    run = ended(demo)

    around = [timezone.now() + timedelta(minutes=minutes) for minutes in (-1, 1)]

    assert Run.objects.filter(created_at__range=around, finished_at__range=around).get() == run
    Run.objects.update(created_at=around[0])
    assert fresh(run).created_at < run.created_at < fresh(run).created_at + timedelta(minutes=2)


def test_runs_are_listed_page_by_page(demo: Any, api: Api) -> None:
    ids = [str(ended(demo).pk) for _ in range(3)]

    found, following = [], path("runs") + "?limit=1"
    while following:
        body = api.get(following).json()
        found += [run["id"] for run in body["results"]]
        following = body["next"]

    assert found == ids[::-1]


def test_pages_show_the_projects_own_time(demo: Any) -> None:
    client = Client()
    client.force_login(demo)
    run = ended(demo)
    here = (datetime.now(UTC) + timedelta(hours=5, minutes=45)).replace(second=0)

    answer = client.get(f"/runs/{run.pk}/")

    assert answer.status_code == 200
    shown = [f"{here - timedelta(minutes=minutes):%H:%M}</time>" for minutes in (0, 1)]
    assert any(time in answer.content.decode() for time in shown)
    assert client.get("/").status_code == 200
