"""What an operation declares about items that fail: which are tried again, and how many failures it bears."""

import random
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from .outcomes import LONGEST_WAIT, TryAgain, Verdict, is_number

DOUBLINGS = 30  # more would only overflow


@dataclass(frozen=True)
class Retry:
    """Which errors are tried again, in later passes of the same run, so that no other item waits for them.

    `on`: an exception class, or several. `attempts`: how often an item is done at most. `backoff`: seconds before the
    second attempt, doubled with each further one up to `longest`, and spread by a tenth. A `Retry-After` of the answer
    that the error carries (`error.response.headers`, `error.headers`) is kept, where it asks for more.
    """

    on: type[Exception] | tuple[type[Exception], ...] = ()
    attempts: int = 5
    backoff: float = 5.0
    longest: float = 300.0

    def __post_init__(self) -> None:
        kinds = self.on if isinstance(self.on, tuple) else (self.on,)
        for kind in kinds:
            if not (isinstance(kind, type) and issubclass(kind, Exception)) or issubclass(kind, Verdict):
                raise ValueError(f"Retry: on has {kind!r}; it must name exception classes, such as ConnectionError.")
        if not (isinstance(self.attempts, int) and is_number(self.attempts) and 2 <= self.attempts <= 100):
            raise ValueError(f"Retry: attempts is {self.attempts!r}; it must be a whole number from 2 to 100.")
        for name in ("backoff", "longest"):
            seconds: Any = getattr(self, name)
            if not (is_number(seconds) and 0 < seconds <= LONGEST_WAIT):
                raise ValueError(f"Retry: {name} is {seconds!r}; it must be a number of seconds above 0.")

    def covers(self, error: Exception) -> bool:
        """Whether an item that ended with this error is tried again while it has attempts left."""
        kinds = self.on if isinstance(self.on, tuple) else (self.on,)
        return isinstance(error, (TryAgain, *kinds))

    def seconds_until(self, attempt: int, error: Exception) -> float:
        """How long to wait after that many attempts, of which the last ended with this error."""
        seconds = min(self.longest, self.backoff * 2.0 ** min(attempt - 1, DOUBLINGS)) * random.uniform(0.9, 1.1)
        if isinstance(error, TryAgain):
            return seconds if error.after is None else error.after
        return max(seconds, retry_after(error) or 0.0)


@dataclass(frozen=True)
class Tolerance:
    """How many failures a run bears before it pauses for a person, or fails.

    It is over the limit with more than `count` failures, or with more than `percent` of at least `min_items` that have
    ended. Without a tolerance only one thing is not borne: that the first 50 items all fail, at least 45 of them with
    the same unexpected error; then the run pauses.
    """

    count: int | None = None
    percent: float | None = None
    min_items: int = 50
    then: str = "pause"

    def __post_init__(self) -> None:
        if self.count is None and self.percent is None:
            raise ValueError("Tolerance: give a count, a percent, or both.")
        for name, least in (("count", 0), ("min_items", 1)):
            number: Any = getattr(self, name)
            if number is not None and not (isinstance(number, int) and is_number(number) and number >= least):
                raise ValueError(f"Tolerance: {name} is {number!r}; it must be a whole number from {least} on.")
        percent: Any = self.percent
        if percent is not None and not (is_number(percent) and 0 <= percent <= 100):
            raise ValueError(f"Tolerance: percent is {percent!r}; it must be a number from 0 to 100.")
        if self.then not in ("pause", "fail"):
            raise ValueError(f'Tolerance: then is {self.then!r}; it must be "pause" or "fail".')

    def is_exceeded(self, failed: int, processed: int) -> bool:
        """Whether so many failures of so many items that have ended are too many."""
        if self.count is not None and failed > self.count:
            return True
        return self.percent is not None and processed >= self.min_items and failed * 100 > self.percent * processed


def pause_asked_for(error: Exception) -> float:
    """The seconds for which an answer asks all who call to wait: the Retry-After of the error, or of the one that it
    was raised from. 0: none. `TryAgain(after=…)` speaks of its own item alone."""
    return retry_after(error) or retry_after(error.__cause__) or 0.0


def retry_after(error: BaseException | None) -> float | None:
    """The seconds that the other side's answer asks to wait (RFC 9110, 10.2.3): a number of them, or a date."""
    headers: Any = getattr(getattr(error, "response", None), "headers", None) or getattr(error, "headers", None)
    said = headers.get("Retry-After") if hasattr(headers, "get") else None
    if not isinstance(said, str):
        return None
    if said.strip().isdecimal():
        return min(float(said), LONGEST_WAIT)
    try:
        return min(max(0.0, parsedate_to_datetime(said).timestamp() - time.time()), LONGEST_WAIT)
    except (ValueError, OverflowError, OSError):  # a date of no calendar
        return None
