"""What one person's downloads may take of a web process: so many at once, of which one is read at a time.

Reading keeps a processor busy, and under WSGI each download has a thread of the server's to itself.
"""

from __future__ import annotations

import threading
from typing import Any
from weakref import WeakSet

from rest_framework.exceptions import Throttled

MOST = 8
WAIT = 5  # s, after which one of them may be done

reading = [threading.Lock() for _ in range(64)]
admission = threading.RLock()


class Share:
    """One download's share of what its user may have, until it is left or forgotten.

    Raises Throttled when the user has as many downloads under way as one may have.
    """

    under_way: WeakSet[Share] = WeakSet()  # weak: a response that is dropped on its way has no other end

    def __init__(self, user_key: Any) -> None:
        self.user_key = user_key
        self.reading = reading[hash(user_key) % len(reading)]
        """The lock to hold while rows are read for this user."""
        with admission:
            if self.of() >= MOST:
                raise Throttled(WAIT, f"You have {MOST} downloads under way, as many as one may have at once.")
            self.under_way.add(self)

    def of(self) -> int:
        """How many downloads this user has under way."""
        with admission:
            return sum(share.user_key == self.user_key for share in self.under_way)

    def leave(self) -> None:
        """The download is over."""
        with admission:
            self.under_way.discard(self)
