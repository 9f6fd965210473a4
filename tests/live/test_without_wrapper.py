"""Under WSGI, or where nobody wrapped the application, the same URLs answer at once, and say when to come back."""

from typing import Any

import pytest
from django.test import Client

from headway import runs
from headway.models import Run
from tests.app.driving import drive

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]


@pytest.fixture
def client(ada: Any) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def start(user: Any) -> Run:
    return runs.start("tests.write_ledger", {"items": 3}, user=user).run


def test_a_stream_is_its_opening(client: Client, ada: Any) -> None:
    answer = client.get(f"/api/runs/{start(ada).pk}/events/")
    retry, place, data, *rest = answer.content.decode().splitlines()
    assert (retry, place, rest) == ("retry: 2000", "id: 1", [""])
    assert data.startswith('data: {"type":"snapshot","run":{')
    assert answer["Content-Type"] == "text/event-stream"
    assert answer["X-Accel-Buffering"] == "no"


def test_it_ends_like_any_stream(client: Client, ada: Any) -> None:
    run = start(ada)
    drive(run)
    end = client.get(f"/api/runs/{run.pk}/events/").content.decode()
    place = next(line.removeprefix("id: ") for line in end.splitlines() if line.startswith("id: "))
    again = client.get(f"/api/runs/{run.pk}/events/", headers={"Last-Event-ID": place})
    assert 'data: {"type":"end"' in end
    assert (again.status_code, again.content) == (204, b"")


def test_all_of_a_users_runs_are_one_answer(client: Client, ada: Any, bob: Any) -> None:
    nothing = client.get("/api/events/")
    drive(start(ada))
    start(ada)
    start(bob)
    both = client.get("/api/events/").content.decode()
    assert nothing.content == b"retry: 2000\n"
    assert [line[:20] for line in both.splitlines() if line.startswith("data")] == [
        'data: {"type":"end",',
        'data: {"type":"snaps',
    ]
    assert "id: " not in both


def test_a_long_poll_answers_at_once(client: Client, ada: Any) -> None:
    run = start(ada)
    news, nothing = (client.get(f"/api/runs/{run.pk}/wait/?after={after}") for after in (0, 1))
    wrong = client.get(f"/api/runs/{run.pk}/wait/?after=x")
    assert (news.status_code, news["Retry-After"], news.json()["type"]) == (200, "2", "snapshot")
    assert (nothing.status_code, nothing["Retry-After"], nothing.content) == (204, "2", b"")
    assert wrong.status_code == 400


def test_nobody_sees_what_isnt_theirs(client: Client, bob: Any) -> None:
    run = start(bob)
    for how in ("events", "wait"):
        assert client.get(f"/api/runs/{run.pk}/{how}/").status_code == 404
        assert Client().get(f"/api/runs/{run.pk}/{how}/").status_code == 401
    assert Client().get("/api/events/").status_code == 401
