"""What the tests of wake-ups share. Those over Valkey that don't need it otherwise run with SQLite alone."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection

from headway.wakeups import Listener, Subject, channel, telling
from servers.valkey import Valkey

from .mediums import Medium, Notify, Publish

MEDIUMS = ["notify"] if connection.vendor == "postgresql" else ["publish"]
collect_ignore = [] if connection.vendor == "postgresql" else ["test_notify.py"]


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    with Valkey() as server:
        yield server


@pytest.fixture(params=MEDIUMS)
def medium(request: pytest.FixtureRequest, settings: Any) -> Medium:
    """What carries wake-ups, chosen by the settings: NOTIFY with PostgreSQL, Valkey with SQLite."""
    found: Medium = Notify() if request.param == "notify" else Publish(request.getfixturevalue("valkey"))
    settings.HEADWAY = settings.HEADWAY | {"WAKE_UPS": found.wake_ups}
    return found


@pytest.fixture(autouse=True)
def nothing_told_yet() -> Iterator[None]:
    """Neither throttled by another test nor left alone because of its failures."""
    channel.cache_clear()
    telling.told.clear()
    telling.fuse.failures = 0
    yield
    channel.cache_clear()


@pytest.fixture
def listen() -> Iterator[Callable[[Subject], list[str]]]:
    """listen(subject): what is heard of it from now on, as it grows. The first word is the empty one."""
    with ExitStack() as stack:

        def begin(subject: Subject) -> list[str]:
            from tests.workers import until  # needs Django's apps

            heard: list[str] = []
            listener = Listener(subject, heard.append)
            stack.callback(listener.join)
            stack.callback(listener.stop)
            listener.start()
            until(lambda: heard == [""])
            return heard

        yield begin
