"""What a worker may begin under its operation's rate: it reserves moments, waits for near ones, and says when the next
is too far away to be waited for."""

import math
import time
from collections import deque
from collections.abc import Callable
from itertools import takewhile

from headway.operations.base import Operation
from headway.operations.rates import Rate, rate_of
from headway.store.parts import rates

NEAR = 2.0  # s that a worker waits with the part in hand; what is due later is seen up to a second late
EARLY = 1.0  # s that a part is due before its next moment, for that reason
ASK_EVERY = 0.05  # s between two looks at whether to stop
SPAN = 0.1  # s that a worker reserves at once, at most: what is lost when it dies, or when its part ends
LATE = 0.2  # s, or a quarter of the interval, after which a moment is dropped: saved up, they would be a burst
GATHER = 0.05  # s of moments that go into one chunk, so that a commit isn't paid for each item
A_SECOND_US = 1_000_000


class Allowance:
    """The moments of one slice. Used by the loop's own thread alone, outside any transaction but for `take`."""

    def __init__(self, rate: Rate, should_stop: Callable[[], bool]) -> None:
        self.rate = rate
        self.should_stop = should_stop
        self.moments = Moments(rate.interval_us / A_SECOND_US)
        self.free_at = 0
        self.far_at = -math.inf
        self.waited = 0.0
        """Seconds in which the worker has done nothing but wait."""
        self.pace = SPAN
        """Seconds that an item takes, by the moments before those that are held; long, until that is known."""
        self.reserved, self.since, self.waited_before = 0, time.monotonic(), 0.0

    def wait(self, until: float, *, together: bool = False) -> bool:
        """Whether an item may begin: now, or once its moment has come, at the latest at `until` (`monotonic`).

        `together`: for a few that are done quickly, it waits for them all. False also when it is to stop.
        """
        began = time.monotonic()
        try:
            if not self.have():
                return False
            at = self.moments.due_at(self.together if together else 1)
            while (now := time.monotonic()) < min(at, until) and not self.should_stop():
                time.sleep(min(ASK_EVERY, at - now, until - now))
            return self.ready > 0
        finally:
            self.waited += time.monotonic() - began

    def have(self) -> bool:
        """Hold a moment, so that it can be waited for. False: the next is too far away."""
        now = time.monotonic()
        self.moments.drop_late(now)
        if self.moments.held:
            return True
        if self.far_in > 0:
            return False
        if self.reserved:
            self.pace = (now - self.since - self.waited + self.waited_before) / self.reserved
        count = self.moments.worth_reserving(self.pace)
        found = rates.reserve(self.rate.name, self.rate.interval_us, count, round(NEAR * A_SECOND_US))
        self.since, self.waited_before, self.reserved = time.monotonic(), self.waited, found.moments
        first = self.since + found.left_us / A_SECOND_US
        self.far_at = -math.inf if found.moments else first
        self.free_at = found.free_at
        self.moments.add(first, found.moments)
        return found.moments > 0

    @property
    def together(self) -> int:
        """How many items may well be begun together: they have come, and are done, within a moment."""
        return self.moments.together(self.pace)

    @property
    def ready(self) -> int:
        """How many items may begin now."""
        return self.moments.due(time.monotonic())

    @property
    def next_in(self) -> float:
        """Seconds until the next of the moments that are held; 0 where none is."""
        return max(0.0, self.moments.held[0] - time.monotonic()) if self.moments.held else 0.0

    def take(self) -> float | None:
        """The moment by which one more item may begin, used up now; None: none has come."""
        return self.moments.take(time.monotonic())

    @property
    def far_in(self) -> float:
        """Seconds for which the worker should do something else; 0: it may wait for its moment."""
        return max(0.0, self.far_at - NEAR - time.monotonic()) and self.far_at - EARLY - time.monotonic()

    @property
    def why_far(self) -> str:
        """A sentence for people."""
        if self.far_at - time.monotonic() <= NEAR + max(SPAN, self.moments.interval):
            return f"Its rate of {self.rate} lets the next item begin then."
        return f"Its rate of {self.rate} is held up, by a Retry-After or by another operation that shares it."

    def hold_off(self, seconds: float) -> None:
        """What is called has asked for a pause: it holds for all workers."""
        self.moments.held.clear()
        rates.hold_off(self.rate.name, seconds)

    def give_back(self) -> None:
        """Let others have what is left of the moments, where none of them has taken later ones."""
        if unused := len(self.moments.held):
            self.moments.held.clear()
            rates.give_back(self.rate.name, self.free_at, unused * self.rate.interval_us)


def allowance_of(operation: Operation, should_stop: Callable[[], bool]) -> Allowance | None:
    """None: it has no rate."""
    rate = rate_of(operation)
    return Allowance(rate, should_stop) if rate else None


class Moments:
    """Moments as one worker holds them, evenly spaced, each good for one item. Pure: its caller has the clock."""

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
