"""For how long the client tries again, and how often."""

import random
import time

import httpx

from .errors import Busy, Problem, Unreachable

SHORTEST, SLOWEST = 0.25, 4.0  # s between two tries


class Patience:
    """Counts from the first failure; an answer restores it."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.restore()

    def restore(self) -> None:
        self.failures, self.since = 0, float("inf")

    def pause_after(self, failure: Exception, asked: float | None = None) -> float:
        """The seconds until the next try, or those that the server has asked for. Raises Busy or Unreachable."""
        now = time.monotonic()
        self.since = min(self.since, now)
        pause = asked if asked is not None else min(SLOWEST, SHORTEST * 2**self.failures) * random.uniform(0.75, 1)
        self.failures += 1
        if now + pause - self.since <= self.seconds:
            return pause
        if isinstance(failure, Busy) and not failure.is_foreign:
            raise failure
        raise Unreachable(f"No answer within {self.seconds:g} s: {failure}") from failure


def is_worth_another_try(problem: Problem) -> bool:
    """Whether the same request may be answered otherwise in a while."""
    return isinstance(problem, Busy) or problem.status >= 500


def retry_after(response: httpx.Response) -> float | None:
    """The seconds that the server asks for; None where it doesn't."""
    try:
        return max(0.0, float(response.headers["Retry-After"]))
    except (KeyError, ValueError):
        return None
