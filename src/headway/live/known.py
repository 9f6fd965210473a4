"""What a client says that it has of a run, and how long it waits for more: by ETags, revisions, ids of events.

An ETag tells one state of a run from another: by its revision, and what changes without it.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs
from zlib import crc32

from django.utils.http import parse_etags

LONGEST_WAIT = 25.0  # s; below what any proxy allows


def etag(run: dict[str, Any]) -> str:
    """The ETag of a snapshot: weak, since rates and times left come from the clock and are not covered."""
    reason = run["reason"] or {"code": "", "text": ""}
    words = f"{run['stalled']}\n{reason['code']}\n{reason['text']}".encode()
    return f'W/"{run["revision"]}-{crc32(words):08x}"'


def is_among(tag: str, if_none_match: str) -> bool:
    """Whether the client has this state already, by what it says in If-None-Match."""
    strong = tag.removeprefix("W/")  # compared weakly: RFC 9110, 13.1.2
    return any(each == "*" or each.removeprefix("W/") == strong for each in parse_etags(if_none_match))


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
