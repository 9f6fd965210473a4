"""Which channel this project has: HEADWAY["WAKE_UPS"], or else what its database offers.

PostgreSQL's NOTIFY (notify.py) and Redis' PUBLISH (publish.py) pass one suite of tests.
"""

from collections.abc import Generator
from functools import cache
from typing import Protocol

from django.db import connection

from headway.conf import REDIS, conf
from headway.fuse import Fuse

fuse = Fuse("wake-up")


class Channel(Protocol):
    """A way to all processes that listen. Both methods raise what their library raises."""

    def send(self, message: str) -> None:
        """Send it to all that listen now, within half a second or not at all. To be called after the commit."""

    def listen(self, seconds: float) -> Generator[list[str]]:
        """What is told from now on: [""] as soon as it listens, then at each turn what has come within these seconds.
        It costs a connection until it is closed, and raises when that is lost."""


def send(message: str) -> None:
    """Send it to the processes on other machines, if there is a channel. Never raises."""
    fuse.attempt(lambda: chosen.send(message) if (chosen := channel()) else None)


def channel() -> Channel | None:
    """None: no process is told anything. Raises ImproperlyConfigured, and ImportError without redis-py."""
    return channel_at(conf().wake_ups, connection.vendor)


@cache
def channel_at(address: str, vendor: str) -> Channel | None:
    # Imported here: a project that uses one channel needn't have the other's library.
    if address.startswith(REDIS):
        from .publish import PublishChannel

        return PublishChannel(address)
    if address != "off" and vendor == "postgresql":
        from .notify import NotifyChannel

        return NotifyChannel(address)
    return None
