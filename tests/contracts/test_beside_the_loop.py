"""The threads beside the loop: whoever is frozen in one of their transactions keeps no row from others for long."""

from typing import Any

import pytest
from django.db import connection

from headway import runner
from headway.runner.holding import Holding
from headway.runner.pulse import Heartbeat
from tests.app.driving import claim, counted, drive, start
from tests.app.sources import Numbers

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgresql]


def longest_idle_transaction() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW idle_in_transaction_session_timeout")
        return str(cursor.fetchone()[0])


def test_the_thread_that_counts_is_ended_where_it_is_frozen_in_a_transaction(script: dict[str, Any]) -> None:
    bounds: list[str] = []

    class Counted(Numbers):
        def count(self, bounds_: Any) -> int:
            bounds.append(longest_idle_transaction())
            return self.n

    script["items"] = lambda: Counted(5)
    drive(start("tests.scripted"))
    counted()
    assert set(bounds) == {"5s"}


def test_the_heartbeat_is_ended_where_it_is_frozen_in_a_transaction() -> None:
    part = claim(start())
    Heartbeat(part, runner.Pulse(), Holding(part.run)).renew()
    assert longest_idle_transaction() == "5s"
