"""Fifty clicks in one instant, over HTTP, on a site of two processes, while the run is live."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import httpx
import pytest
from django.contrib.auth.models import User

from headway import runs
from headway.models import Run
from servers.web import Web
from tests.crash.aloud import Tell
from tests.workers import Workers, environment, until

# Fifty at once, each connected beforehand.
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.crowd]

CLICKS = 50
CHEAP = "/static/headway/headway.css"
PATH = "/api/operations/tests.take_time/runs/"
LONG = {"items": 1000, "seconds": 100}  # outlasts every click


@pytest.fixture(scope="module")
def site(django_db_setup: None) -> Iterator[Web]:
    """Two processes."""
    with Web(2, environment=environment()) as web:
        yield web


@pytest.fixture
def web(people: None, site: Web) -> Web:
    return site


async def click(url: str, requests: list[dict[str, str]], given: dict[str, Any]) -> list[httpx.Response]:
    """One POST with each of these headers, each on a connection of its own, all let go in the same instant."""
    limits = httpx.Limits(max_connections=None)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=60) as client:
        await asyncio.gather(*(client.get(CHEAP) for _ in requests))  # so that all are connected
        return await asyncio.gather(*(client.post(PATH, json=given, headers=headers) for headers in requests))


def posts(web: Web, requests: list[dict[str, str]], **given: Any) -> list[httpx.Response]:
    return asyncio.run(click(web.url, requests, given or LONG))


def as_user(name: str, **headers: str) -> dict[str, str]:
    return {"Authorization": f"Token {name}"} | headers


@pytest.mark.parametrize(("key", "others"), [({}, "joined"), ({"Idempotency-Key": "fifty-clicks"}, "replayed")])
def test_fifty_posts_in_one_instant_are_one_run(web: Web, key: dict[str, str], others: str, tell: Tell) -> None:
    answers = posts(web, CLICKS * [as_user("demo", **key)])

    dispositions = Counter(answer.headers.get("Headway-Disposition") for answer in answers)
    slowest = max(answer.elapsed.total_seconds() for answer in answers)
    tell(f"{CLICKS} POSTs: {dict(dispositions)}, the slowest after {slowest:.2f} s")
    assert Counter(answer.status_code for answer in answers) == {202: CLICKS}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert dispositions == {"created": 1, others: CLICKS - 1}
    assert Run.objects.count() == 1


@pytest.mark.once
def test_a_click_while_the_run_works_gets_the_same_run(web: Web, workers: Workers) -> None:
    workers.start()
    (first,) = posts(web, [as_user("demo")])
    until(lambda: Run.objects.get().state == "running")

    answers = posts(web, CLICKS * [as_user("demo")])

    assert Counter(answer.status_code for answer in answers) == {202: CLICKS}
    assert {answer.json()["id"] for answer in answers} == {first.json()["id"]}
    assert {answer.headers["Headway-Disposition"] for answer in answers} == {"joined"}
    assert {answer.json()["state"] for answer in answers} == {"running"}


def test_every_key_of_its_own_still_joins_the_one_run(web: Web) -> None:
    answers = posts(web, [as_user("demo", **{"Idempotency-Key": str(uuid4())}) for _ in range(CLICKS)])

    assert Counter(answer.status_code for answer in answers) == {202: CLICKS}
    assert Counter(answer.headers["Headway-Disposition"] for answer in answers) == {"created": 1, "joined": CLICKS - 1}
    assert Run.objects.count() == 1


def test_two_users_with_one_key_get_a_run_each(web: Web) -> None:
    key = {"Idempotency-Key": "the-same-for-both"}

    answers = posts(web, CLICKS // 2 * [as_user("demo", **key), as_user("other", **key)])

    theirs = {
        name: {answer.json()["id"] for answer in answers[place::2]} for place, name in enumerate(("demo", "other"))
    }
    assert Counter(answer.status_code for answer in answers) == {202: CLICKS}
    assert {name: len(ids) for name, ids in theirs.items()} == {"demo": 1, "other": 1}
    assert theirs["demo"] != theirs["other"]
    for name, (run,) in theirs.items():
        assert [str(mine.pk) for mine in runs.visible_to(User.objects.get(username=name))] == [run]


@pytest.mark.once
def test_one_key_with_other_parameters_is_refused_and_starts_nothing(web: Web) -> None:
    key = {"Idempotency-Key": "one-key-two-wishes"}
    posts(web, [as_user("demo", **key)])

    answers = posts(web, CLICKS * [as_user("demo", **key)], items=7, seconds=100)

    assert Counter(answer.status_code for answer in answers) == {422: CLICKS}
    assert {answer.headers["Content-Type"] for answer in answers} == {"application/problem+json"}
    assert {answer.json()["type"] for answer in answers} == {"urn:headway:problem:idempotency-key-reused"}
    assert Run.objects.count() == 1
