"""Which channel this project has: HEADWAY["WAKE_UPS"], or else what its database offers."""

from functools import cache

from django.db import connection

from headway.conf import REDIS, conf
from headway.fuse import Fuse

from .channels import Channel

fuse = Fuse("wake-up")


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
