"""PostgreSQL's LISTEN and NOTIFY. The process that tells uses the connection it has; a listener has one of its own."""

from collections.abc import Generator
from contextlib import closing
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, connections

CHANNEL = "headway_parts_due"
PATIENCE: dict[str, Any] = {  # libpq's; a server that has vanished is given up after 20 s, as no query is sent to it
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}


class NotifyChannel:
    """Channels of PostgreSQL belong to the database, so two projects on one server don't hear each other."""

    def __init__(self, url: str = "") -> None:
        """`url` leads the listeners to the server itself, past a pooler that passes no notifications on."""
        self.url = url

    def send(self, message: str) -> None:
        """In a transaction of its own: NOTIFY takes a lock of the whole server, so nothing else may be in it."""
        if connection.in_atomic_block:
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, message])

    def listen(self, seconds: float) -> Generator[list[str]]:
        with closing(self.connect()) as raw:
            raw.autocommit = True
            raw.execute(f"LISTEN {CHANNEL}")
            yield [""]
            while True:
                yield [notification.payload for notification in raw.notifies(timeout=seconds, stop_after=1)]

    def connect(self) -> Any:
        """A connection of psycopg's beside those of Django, never one out of its pool."""
        if self.url:
            import psycopg  # the project's database is PostgreSQL then, or a check has said so

            return psycopg.connect(self.url, **PATIENCE)
        own: Any = connections[DEFAULT_DB_ALIAS].copy()
        own.settings_dict["OPTIONS"] = PATIENCE | own.settings_dict["OPTIONS"]
        own.settings_dict["OPTIONS"].pop("pool", None)
        return own.get_new_connection(own.get_connection_params())
