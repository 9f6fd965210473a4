"""Which channel this project has: HEADWAY["WAKE_UPS"], or else what its database offers."""

from functools import cache
from typing import Any

from django.core.signals import setting_changed
from django.db import connection

from headway.conf import conf
from headway.fuse import Fuse

from .channels import Channel

REDIS = ("redis://", "rediss://", "unix://")
fuse = Fuse("wake-up")


def send(message: str) -> None:
    """Send it to the processes on other machines, if there is a channel. Never raises."""
    fuse.attempt(lambda: chosen.send(message) if (chosen := channel()) else None)


@cache
def channel() -> Channel | None:
    """None: no process is told anything. Raises ImproperlyConfigured, and ImportError without redis-py."""
    chosen = conf().wake_ups
    # Imported here: a project that uses one channel needn't have the other's library.
    if chosen.startswith(REDIS):
        from .publish import PublishChannel

        return PublishChannel(chosen)
    if chosen != "off" and connection.vendor == "postgresql":
        from .notify import NotifyChannel

        return NotifyChannel(chosen)
    return None


def on_setting_changed(*, setting: str, **kwargs: Any) -> None:
    """Tests change settings."""
    if setting in ("HEADWAY", "DATABASES"):
        channel.cache_clear()


setting_changed.connect(on_setting_changed, dispatch_uid="headway.wakeups")
