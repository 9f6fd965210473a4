"""A receiver, and a project that tells it of the ends of its runs."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from headway.operations import registry
from headway.store.runs.endings import ending
from headway.webhooks import connect

from .receiver import Receiver

Declare = Callable[..., None]


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path) as started:
        yield started


@pytest.fixture
def declare(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Declare]:
    """Says who is told, in this process and in the workers that the test starts."""

    def say(**webhooks: dict[str, Any]) -> None:
        settings.HEADWAY = settings.HEADWAY | {"WEBHOOKS": webhooks}
        monkeypatch.setenv("TEST_WEBHOOKS", json.dumps(webhooks))
        connect()

    yield say
    ending.disconnect(dispatch_uid="headway.webhooks")
    registry.withheld.add("headway.deliver_webhook")
