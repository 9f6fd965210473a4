"""What one person's downloads may take of a web process: so many at once, of which one is read at a time (`UnderWay`).

Reading keeps a processor busy, and under WSGI each download has a thread of the server's to itself.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any
from weakref import WeakSet

from rest_framework.exceptions import Throttled

MOST = 8
WAIT = 5  # s, after which one of them may be done

reading = [threading.Lock() for _ in range(64)]
admission = threading.RLock()


class UnderWay(ABC):
    """A file on its way, which has its share of what its user may have until it is closed or forgotten.

    Raises Throttled when the user has as many downloads under way as one may have.
    """

    every: WeakSet[UnderWay] = WeakSet()  # weak: a response that is dropped on its way has no other end
    begun: list[bytes]
    """Its first pieces, which are there before it is sent."""

    def __init__(self, user_key: Any) -> None:
        self.user_key = user_key
        self.reading = reading[hash(user_key) % len(reading)]
        """The lock to hold while rows are read for this user."""
        with admission:
            if self.of_user() >= MOST:
                raise Throttled(WAIT, f"You have {MOST} downloads under way, as many as one may have at once.")
            self.every.add(self)

    def __iter__(self) -> Iterator[bytes]:
        """It, piece by piece; once."""
        yield from filter(None, self.begun)
        self.begun.clear()
        while block := self.page():
            yield block
        self.close()

    @abstractmethod
    def page(self) -> bytes:
        """The next rows, as they are written; nothing when there are no more."""

    def of_user(self) -> int:
        """How many downloads this user has under way."""
        with admission:
            return sum(each.user_key == self.user_key for each in self.every)

    def close(self) -> None:
        """Django calls it when it has been sent, and when its client has left."""
        with admission:
            self.every.discard(self)
