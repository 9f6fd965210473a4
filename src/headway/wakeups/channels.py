"""What a channel can do. PostgreSQL's NOTIFY (notify.py) and Redis' PUBLISH (publish.py) pass one suite of tests."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Protocol

__all__ = ["Channel", "Ear", "Subject"]


class Subject(StrEnum):
    """What is told of."""

    RUN_CHANGED = "run_changed"
    """With the run's id; nothing: any run may have."""
    PARTS_DUE = "parts_due"
    """With how many; nothing: nobody knows."""


class Ear(Protocol):
    """One who listens to a subject."""

    def take(self, seconds: float) -> Iterable[str]:
        """What has been said since; waits at most so long for it. Raises when the connection is lost."""


class Channel(Protocol):
    """A way to all processes that listen. Both methods raise what their library raises."""

    def tell(self, subject: Subject, said: str) -> None:
        """Say it to all who listen now, within half a second or not at all. To be called after the commit."""

    def listen(self, subject: Subject) -> AbstractContextManager[Ear]:
        """Everything said from now on can be taken, until the end of the `with`. It costs a connection."""
