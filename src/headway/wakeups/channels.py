"""What a channel can do. PostgreSQL's NOTIFY (notify.py) and Redis' PUBLISH (publish.py) pass one suite of tests."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Protocol

NAME = "parts_due"


class Subscription(Protocol):
    """A connection that listens."""

    def take(self, seconds: float) -> Iterable[str]:
        """The messages since the last call; waits at most this long for one. Raises when the connection is lost."""


class Channel(Protocol):
    """A way to all processes that listen. Both methods raise what their library raises."""

    def send(self, message: str) -> None:
        """Send it to all that listen now, within half a second or not at all. To be called after the commit."""

    def listen(self) -> AbstractContextManager[Subscription]:
        """All messages from now on can be taken, until the end of the `with`. It costs a connection."""
