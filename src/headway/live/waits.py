"""What a client says in its address or headers: the revision that it has, and how long a poll may wait."""

from dataclasses import dataclass
from urllib.parse import parse_qs

LONGEST_WAIT = 25.0  # s; below what any proxy allows


class BadWait(ValueError):
    """The query makes no sense; the message says what was expected."""


@dataclass(frozen=True)
class Wait:
    """A long poll's question: anything after this revision (None: whatever it is), within these seconds."""

    after: int | None
    seconds: float

    def is_passed_by(self, revision: int) -> bool:
        """Whether there is something to tell; a lower revision too, which a restored database may have."""
        return revision != self.after


def wait_of(query: str) -> Wait:
    """`after=REVISION&seconds=1…25`, both optional. Raises BadWait."""
    given = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    after, seconds = given.get("after"), given.get("seconds", str(LONGEST_WAIT))
    if after is not None and not is_count(after):
        raise BadWait(f"after is {after!r}; it must be the revision that you have, a whole number.")
    try:
        wait = float(seconds)
    except ValueError:
        wait = 0.0
    if not 1 <= wait <= LONGEST_WAIT:
        raise BadWait(f"seconds is {seconds!r}; it must be a number from 1 to 25.")
    return Wait(None if after is None else int(after), wait)


def last_event_id(said: str) -> int | None:
    """The revision that a returning EventSource has; None when it says none."""
    return int(said) if is_count(said) else None


def is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20
