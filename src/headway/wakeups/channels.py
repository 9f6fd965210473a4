"""What a channel can do. PostgreSQL's NOTIFY (notify.py) and Redis' PUBLISH (publish.py) pass one suite of tests."""

from collections.abc import Generator
from typing import Protocol

NAME = "parts_due"


class Channel(Protocol):
    """A way to all processes that listen. Both methods raise what their library raises."""

    def send(self, message: str) -> None:
        """Send it to all that listen now, within half a second or not at all. To be called after the commit."""

    def listen(self, seconds: float) -> Generator[list[str]]:
        """What is told from now on: [""] as soon as it listens, then at each turn what has come within these seconds.
        It costs a connection until it is closed, and raises when that is lost."""
