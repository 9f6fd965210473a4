"""A run whose items ask a real HTTP service that is often busy, sometimes broken, and down for a while."""

import os
from collections.abc import Iterator
from typing import Any

import pytest

from example.airports.models import Airport, Check
from example.airports.service import Service
from headway import runs
from headway.snapshots import snapshot
from tests.crash.aloud import Tell
from tests.workers import Workers, until, wait_for_end

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.once]

ITEMS = int(os.environ.get("CHECKED_AIRPORTS", "200"))
DOWN_FOR = float(os.environ.get("DOWN_FOR", "3"))  # s
PLACE: dict[str, Any] = {"city": "C", "subdivision": "S", "country": "XX", "latitude": 0, "longitude": 0}


@pytest.fixture
def service(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    with Service(down_after=getattr(request, "param", None), down_for=DOWN_FOR) as server:
        monkeypatch.setenv("AIRPORT_SERVICE", server.start().url)
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def airports(transactional_db: None) -> None:
    Airport.objects.bulk_create(
        Airport(icao=f"{number:04}", iata="XYZ", name=f"Number {number}", elevation_ft=0, **PLACE)
        for number in range(ITEMS)
    )


def test_nobody_waits_behind_an_item_that_is_to_be_tried_again(workers: Workers, service: Service) -> None:
    run = runs.start("airports.check_airports").run
    workers.start()

    ended = wait_for_end(run.pk, seconds=120)
    assert (ended.state, ended.total) == ("succeeded", ITEMS)
    assert Check.objects.count() == ITEMS
    assert service.told[429] > 0
    # Those that were asking just then, and what was reserved; each second that nobody heard of it would be a hundred.
    assert service.told[429] <= service.times_busy * 60, "its Retry-After was not heard by everybody"
    assert service.told[503] > ITEMS / 60
    assert len(set(service.asked[:ITEMS])) == ITEMS, "one was asked for again before all others had had their turn"
    assert len(service.asked) == ITEMS + service.told[429] + service.told[503], "one was asked for without need"


@pytest.mark.parametrize("service", [ITEMS // 2], indirect=True)
def test_while_the_service_is_down_the_run_waits_and_says_so(workers: Workers, service: Service, tell: Tell) -> None:
    run = runs.start("airports.check_airports").run
    workers.start()

    until(lambda: snapshot(run.pk)["waiting_until"] is not None and service.down_until > 0)
    waits = snapshot(run.pk)
    ended = wait_for_end(run.pk, seconds=120)

    assert "seems to be down" in (waits["reason"] or {}).get("text", "")
    assert ended.state == "succeeded"
    assert Check.objects.count() == ITEMS
    tell(f"down for {DOWN_FOR:.0f} s: asked {service.asked_while_down} times meanwhile, for {ITEMS} items")
    # What had been prepared ahead when it went down, and a few for each look whether it is back.
    assert service.asked_while_down < ITEMS, "the run went through its items again and again while nobody answered"
