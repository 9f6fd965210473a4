"""What the pages say of what starts by itself."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from headway.models import LastTick, Run
from headway.operations import registry
from headway.runs.ticks import Timetable
from headway.testing import turn_clock

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

PAGES = ("/", "/start/tests.write_ledger/")
DAY = timedelta(days=1)


@pytest.fixture
def client() -> Client:
    """Of one who may see all runs."""
    ada = User.objects.create_user("ada")
    ada.user_permissions.add(Permission.objects.get(codename="view_run", content_type__app_label="headway"))
    signed_in = Client()
    signed_in.force_login(ada)
    return signed_in


@pytest.fixture
def schedule(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Declares one, with its last tick so long ago."""

    def declare(ago: timedelta, **attributes: Any) -> None:
        moment = datetime.now(UTC) - ago
        attributes = {"schedule": f"{moment:%M %H} * * *", "schedule_params": {"items": 1}} | attributes
        for name, value in attributes.items():
            monkeypatch.setattr(registry.get("tests.write_ledger"), name, value)

    return declare


def read(client: Client, page: str) -> str:
    return " ".join(client.get(page).content.decode().split())


def sleep(time_passes: timedelta) -> None:
    Timetable().look()
    turn_clock(time_passes)
    Timetable().look()


@pytest.mark.parametrize("page", PAGES)
def test_they_say_when_it_starts_next_and_lead_to_the_last_run(client: Client, schedule: Any, page: str) -> None:
    schedule(timedelta(hours=2))
    sleep(DAY)

    said = read(client, page)

    assert "Starts by itself, next: " in said
    assert re.search(rf'Last run: <a class="hw-link" href="/runs/{Run.objects.get().pk}/">[^<]+</a> \(Queued\)', said)


@pytest.mark.parametrize(("seconds", "clock"), [("", r"\d\d:\d\d"), ("7 ", r"\d\d:\d\d:\d\d")])
def test_they_tell_the_seconds_of_a_schedule_that_has_them(
    client: Client, schedule: Any, seconds: str, clock: str
) -> None:
    moment = datetime.now(UTC) - timedelta(hours=2)
    schedule(timedelta(), schedule=f"{seconds}{moment:%M %H} * * *")
    sleep(DAY)

    said = read(client, "/")

    assert re.search(rf"next: (?:\w+ \d+, )?{clock}\.", said)
    assert re.search(rf"Last run: <[^>]*>(?:\w+ \d+, )?{clock}</a>", said)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize(
    ("attributes", "lapse"),
    [
        ({}, "No worker saw it in time; a later run has made up for it."),
        ({"missed": "never"}, "No worker saw it in time."),
        ({"schedule_params": {"items": -1}}, "The start went wrong; the worker’s log says why."),
    ],
)
def test_they_say_what_was_missed_and_why(
    client: Client, schedule: Any, page: str, attributes: dict[str, Any], lapse: str
) -> None:
    schedule(timedelta(hours=2), **attributes)
    sleep(DAY)

    assert re.search(rf"Missed: [^.]+\. {re.escape(lapse)}</span>", read(client, page))

    LastTick.objects.update(missed=LastTick.objects.get().missed - 8 * DAY // timedelta(milliseconds=1))  # type: ignore[operator]
    assert "Missed" not in read(client, page)


def test_whoever_may_not_see_the_run_is_not_led_to_it(schedule: Any) -> None:
    schedule(timedelta(hours=2))
    sleep(DAY)
    client = Client()
    client.force_login(User.objects.create_user("eve"))

    for page in PAGES:
        said = read(client, page)
        assert "Starts by itself, next: " in said
        assert str(Run.objects.get().pk) not in said


def test_without_schedules_nothing_is_said_and_nothing_is_asked(client: Client) -> None:
    with CaptureQueriesContext(connection) as asked:
        said = read(client, "/")

    assert "Starts by itself" not in said
    assert not [query for query in asked if "lasttick" in query["sql"]]
