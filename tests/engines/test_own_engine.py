"""An engine of one's own is a class, and its path in HEADWAY["ENGINE"]."""

import threading
import time
from typing import Any

import pytest
from django.db import connections

from headway import runs
from headway.checks import check_engine
from headway.engines import Claimant, Engine
from headway.engines.presence import Presence, new_name
from headway.models import Worker
from tests.app.models import LedgerEntry
from tests.workers import until, wait_for_end


class OnThreads(Engine):
    """Has a thread of this process claim for each ring."""

    def ring(self, operation: str, times: int) -> None:
        for _ in range(times):
            threading.Thread(target=claim_what_is_due).start()


def claim_what_is_due() -> None:
    presence = Presence(new_name())
    claimant = Claimant(presence.worker, should_stop=lambda: False, wait=time.sleep)
    try:
        presence.tell()
        while claimant.turn():
            pass
        presence.leave()
    finally:
        connections.close_all()


@pytest.mark.django_db(transaction=True)
def test_it_delivers_what_is_started(settings: Any) -> None:
    settings.HEADWAY = settings.HEADWAY | {"ENGINE": "tests.engines.test_own_engine.OnThreads"}
    before = threading.active_count()

    run = runs.start("tests.write_ledger", {"items": 20}).run

    assert wait_for_end(run.pk).state == "succeeded"
    assert LedgerEntry.objects.count() == 20
    until(lambda: threading.active_count() <= before)
    assert not Worker.objects.exists()


@pytest.mark.parametrize("path", ["tests.engines.nowhere.Engine", "tests.workers.Workers"])
def test_a_path_that_leads_to_none_is_told(settings: Any, path: str) -> None:
    settings.HEADWAY = settings.HEADWAY | {"ENGINE": path}

    (error,) = check_engine()

    assert error.id == "headway.E020"
    assert "embedded, celery, django_tasks" in str(error.hint)


def test_what_it_says_of_the_projects_set_up_is_told(settings: Any) -> None:
    settings.HEADWAY = settings.HEADWAY | {"ENGINE": "tests.engines.test_own_engine.OnThreads"}

    assert check_engine() == []
