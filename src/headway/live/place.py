"""Where a watcher says it is: the revision that it has, and how long a poll may wait."""

from dataclasses import dataclass
from urllib.parse import parse_qs

__all__ = ["LONGEST_WAIT", "BadPlace", "Place", "last_event_id", "place_of"]

LONGEST_WAIT = 25.0  # s; below what any proxy allows


class BadPlace(ValueError):
    """The query makes no sense; the message says what was expected."""


@dataclass(frozen=True)
class Place:
    """A long poll's question: anything after this revision (None: whatever it is), within so many seconds."""

    after: int | None
    seconds: float

    def is_passed_by(self, revision: int) -> bool:
        """Whether there is something to tell; a lower revision too, which a restored database may have."""
        return revision != self.after


def place_of(query: str) -> Place:
    """`after=REVISION&seconds=1…25`, both optional. Raises BadPlace."""
    given = {name: values[-1] for name, values in parse_qs(query, keep_blank_values=True).items()}
    after, seconds = given.get("after"), given.get("seconds", str(LONGEST_WAIT))
    if after is not None and not is_count(after):
        raise BadPlace(f"after is {after!r}; it must be the revision that you have, a whole number.")
    try:
        wait = float(seconds)
    except ValueError:
        wait = 0.0
    if not 1 <= wait <= LONGEST_WAIT:
        raise BadPlace(f"seconds is {seconds!r}; it must be a number from 1 to 25.")
    return Place(None if after is None else int(after), wait)


def last_event_id(said: str) -> int | None:
    """The revision that a returning EventSource has; None when it says none."""
    return int(said) if is_count(said) else None


def is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20
