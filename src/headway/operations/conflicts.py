"""What a start gets while a run with the same concurrency key is live."""

from enum import StrEnum


class OnConflict(StrEnum):
    """An operation declares one of these as `on_conflict`."""

    JOIN = "join"  # the live run, when the parameters are the same
    REJECT = "reject"  # nothing
    QUEUE = "queue"  # a run that begins when the live one has ended
    REPLACE = "replace"  # the live one is cancelled, and the new one begins when it has really stopped
    ALLOW = "allow"  # a run beside it
