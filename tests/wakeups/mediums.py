"""What carries wake-ups in a test: a PostgreSQL or a Valkey, whose listeners can be counted and cut off."""

from typing import Any, Protocol

from django.db import connection

from headway.wakeups.choice import Channel
from headway.wakeups.notify import NotifyChannel
from headway.wakeups.publish import PublishChannel
from servers.valkey import Valkey

__all__ = ["Medium", "Notify", "Publish"]

LISTENERS = "FROM pg_stat_activity WHERE datname = current_database() AND query = 'LISTEN headway_parts_due'"


class Medium(Protocol):
    """The server, as its operator sees it."""

    wake_ups: str
    """What HEADWAY["WAKE_UPS"] must be."""
    channel: Channel

    def listeners(self) -> int:
        """How many listen."""

    def cut(self) -> None:
        """End their connections."""


class Notify:
    """The suite's own PostgreSQL."""

    wake_ups = ""

    def __init__(self) -> None:
        self.channel = NotifyChannel()

    def listeners(self) -> int:
        return len(self.ask("SELECT pid"))

    def cut(self) -> None:
        assert self.ask("SELECT pg_terminate_backend(pid)")

    def ask(self, what: str) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(f"{what} {LISTENERS}")
            return cursor.fetchall()


class Publish:
    """A Valkey."""

    def __init__(self, server: Valkey) -> None:
        self.server = server
        self.wake_ups = server.url
        self.channel = PublishChannel(server.url)

    def listeners(self) -> int:
        found: list[tuple[bytes, int]] = self.channel.client.pubsub_numsub("headway:0:parts_due")
        return found[0][1]

    def cut(self) -> None:
        assert self.listeners()
        self.channel.client.client_kill_filter(_type="pubsub")
