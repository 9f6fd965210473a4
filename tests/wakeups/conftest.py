"""What the tests of wake-ups share. Those over Valkey that don't need it otherwise run with SQLite alone."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from django.db import connection

from headway.wakeups import Listener, choice
from servers.valkey import Valkey

from .mediums import Medium, Notify, Publish

MEDIUMS = ["notify"] if connection.vendor == "postgresql" else ["publish"]
collect_ignore = [] if connection.vendor == "postgresql" else ["test_notify.py"]


@pytest.fixture(scope="package")
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
    """The channel isn't left alone because of another test's failures."""
    choice.channel_at.cache_clear()
    choice.fuse.failures = 0
    yield
    choice.channel_at.cache_clear()


@pytest.fixture
def listen() -> Iterator[Callable[[], list[str]]]:
    """listen(): what is heard from now on, as it grows. The first message is the empty one."""
    with ExitStack() as stack:

        def begin() -> list[str]:
            from tests.workers import until  # needs Django's apps

            heard: list[str] = []
            listener = Listener(heard.append)
            stack.callback(listener.thread.join)
            stack.callback(listener.stop)
            listener.start()
            until(lambda: heard == [""])
            return heard

        yield begin
