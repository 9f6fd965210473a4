"""What an operation declares about runs at the same time: `on_conflict` about its own, and `holds` about all."""

from enum import StrEnum
from typing import Any

LONGEST = 200  # characters of a name
MOST = 20  # names: each is a line in which a run may have to wait


class OnConflict(StrEnum):
    """What a start gets while a run with the same concurrency key is live."""

    JOIN = "join"  # the live run, when the parameters are the same
    REJECT = "reject"  # nothing
    QUEUE = "queue"  # a run that begins when the live one has ended
    REPLACE = "replace"  # the live one is cancelled, and the new one begins when it has really stopped
    ALLOW = "allow"  # a run beside it


def names_of(declared: Any) -> list[str]:
    """The names, each once, sorted. Raises ValueError, which says what would be right."""
    if isinstance(declared, str):
        raise ValueError(f"{declared!r} is text; write ({declared!r},), or a list of names.")
    try:
        names = list(declared)
    except TypeError:
        raise ValueError(f"{declared!r} is no list of names, such as ('stock',).") from None
    for name in names:
        if not (isinstance(name, str) and name.strip() and len(name) <= LONGEST and name.isprintable()):
            raise ValueError(f"{name!r:.250} is no name; it must be printable text of 1 to {LONGEST} characters.")
    if len(set(names)) > MOST:
        raise ValueError(f"There are {len(set(names))} names; a run may hold {MOST} at most.")
    return sorted(set(names))
