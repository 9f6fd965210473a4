"""What one person's downloads may take of a web process: so many at once, of which one is read at a time.

Reading keeps a processor busy, and under WSGI each download has a thread of the server's to itself.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from rest_framework.exceptions import Throttled

if TYPE_CHECKING:
    from .file import File

__all__ = ["MOST", "admit", "how_many", "leave", "turn_of"]

MOST = 8
WAIT = 5  # s, after which one of them may be done

turns = [threading.Lock() for _ in range(64)]
admission = threading.RLock()
under_way: WeakSet[File] = WeakSet()  # weak: a response that is dropped on its way has no other end


def admit(file: File) -> None:
    """Let it begin. Raises Throttled when its user has as many under way as one may have."""
    with admission:
        if how_many(file.user_key) >= MOST:
            raise Throttled(WAIT, f"You have {MOST} downloads under way, as many as one may have at once.")
        under_way.add(file)


def leave(file: File) -> None:
    """It is over."""
    with admission:
        under_way.discard(file)


def how_many(user_key: Any) -> int:
    """How many this user has under way."""
    with admission:
        return sum(file.user_key == user_key for file in under_way)


def turn_of(user_key: Any) -> threading.Lock:
    """What is held while rows are read for this user."""
    return turns[hash(user_key) % len(turns)]
