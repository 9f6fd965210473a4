"""What an item's own code may raise to say how the item ended. Nothing here knows a database or a run."""

import re
from typing import Any

CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
CODE_LENGTH = 64
LONGEST_WAIT = 30 * 24 * 3600.0  # s


def check_code(code: str) -> str:
    """The code itself, if it is one: lower-case words of letters and digits, joined by hyphens, at most 64 characters.

    Raises ValueError, which names the code and shows a good one.
    """
    if not isinstance(code, str) or len(code) > CODE_LENGTH or not CODE.fullmatch(code):
        raise ValueError(
            f"{code!r} is not a code: use lower-case words joined by hyphens, at most {CODE_LENGTH} characters, "
            "such as 'city-missing'. The sentence for people goes into the text."
        )
    return code


class Verdict(Exception):
    """The base of everything that an item may raise to end itself on purpose."""


class ItemVerdict(Verdict):
    """A verdict on this one item: a code for programs, a sentence for people."""

    def __init__(self, code: str, text: str = "") -> None:
        self.code = check_code(code)
        self.text = str(text)
        super().__init__(self.code, self.text)

    def __str__(self) -> str:
        return self.text or self.code


class Skip(ItemVerdict):
    """This item needs nothing done; it ends as skipped, and what it wrote is undone."""


class Reject(ItemVerdict):
    """This item can't be done, by a rule of the business; it ends as failed, and what it wrote is undone.

    The worker looks at the item's statements to know whether it has written. Two kinds don't show it, a SELECT that
    calls a function which writes and COPY through the driver's own cursor, and what they wrote may stay: raise before.
    """


class Unreadable(Reject):
    """Yielded (not raised) by a source in place of an item that it found but could not read."""

    def __init__(self, code: str, text: str, label: str) -> None:
        super().__init__(code, text)
        self.label = label


class Gone(Skip):
    """Yielded (not raised) by a source in place of an item that isn't there any more: it ends as skipped."""

    def __init__(self, label: str) -> None:
        super().__init__("gone", "It isn't there any more.")
        self.label = label


class TryAgain(Verdict):
    """This item, later: what it wrote is undone, and a later pass of the same run does it again, while its operation's
    `retry` has attempts left (five where none is declared).

    `after`: the seconds to wait at least, where the other side has said so.
    """

    def __init__(self, text: str = "", after: float | None = None) -> None:
        self.text = str(text)
        self.after = None if after is None else check_seconds(after)
        super().__init__(self.text, self.after)

    def __str__(self) -> str:
        return self.text or "It was to be tried again later."


class Interruption(Verdict):
    """What ends more than the item: that one counts as not reached."""

    def __init__(self, text: str) -> None:
        self.text = str(text)
        super().__init__(self.text)


class Stop(Interruption):
    """End the whole run as failed, with this sentence; the item that raised it counts as not reached."""


class Wait(Interruption):
    """Go on in so many seconds, with this item first; the worker does something else meanwhile, and the page says until
    when the run waits, and why.
    """

    def __init__(self, seconds: float, reason: str) -> None:
        self.seconds = check_seconds(seconds)
        super().__init__(reason)


def is_number(value: Any) -> bool:
    """Whether it is one; True and False, which Python counts with, are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def check_seconds(seconds: float) -> float:
    """The seconds themselves. Raises ValueError unless they are 0 to 30 days."""
    if not (is_number(seconds) and 0 <= seconds <= LONGEST_WAIT):
        raise ValueError(f"{seconds!r} is no time to wait: give seconds, from 0 to {LONGEST_WAIT:,.0f} (30 days).")
    return float(seconds)
