"""Moments at which items may begin, as one worker holds them. Pure: its caller has the clock (`monotonic`)."""

from collections import deque
from itertools import takewhile

SPAN = 0.1  # s that a worker reserves at once, at most: what is lost when it dies, or when its part ends
LATE = 0.2  # s, or a quarter of the interval, after which a moment is dropped: saved up, they would be a burst
GATHER = 0.05  # s of moments that go into one chunk, so that a commit isn't paid for each item


class Moments:
    """Evenly spaced, each good for one item."""

    def __init__(self, interval: float) -> None:
        self.interval = interval
        self.late = max(LATE, interval / 4)
        self.held: deque[float] = deque()

    def add(self, first: float, count: int) -> None:
        """So many more."""
        self.held.extend(first + place * self.interval for place in range(count))

    def due(self, now: float) -> int:
        """How many items may begin now."""
        self.drop_late(now)
        return sum(1 for _ in takewhile(lambda moment: moment <= now, self.held))

    def take(self, now: float) -> float | None:
        """The moment by which one more item may begin, used up now; None: none has come."""
        return self.held.popleft() if self.due(now) else None

    def drop_late(self, now: float) -> None:
        while self.held and self.held[0] < now - self.late:
            self.held.popleft()

    def together(self, pace: float) -> int:
        """How many have come, and are done, within `GATHER`, at so many seconds an item."""
        return int(GATHER / max(pace, self.interval))

    def due_at(self, count: int) -> float:
        """When so many are due, or all that are held. There must be one."""
        return self.held[min(len(self.held), max(1, count)) - 1]

    def worth_reserving(self, pace: float) -> int:
        """How many a worker can use that needs `pace` seconds for an item: more, and it would keep from others what it
        then drops."""
        return max(1, int(SPAN / max(pace, self.interval)))
