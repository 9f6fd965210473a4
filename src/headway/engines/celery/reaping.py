"""Rings for what is due and nobody has been told of. No more bells lie in a queue than parts are due."""

from collections.abc import Iterable

from headway.engines import reaping

from . import doorbell

__all__ = ["reap"]


def reap(queues: Iterable[str]) -> None:
    """Ring for what is due in these queues, less what rings there already.

    Raises the database's errors, and those of the broker's client.
    """
    for queue in queues:
        due = reaping.due(queue).total()
        if due and (missing := due - doorbell.waiting(queue)) > 0:
            doorbell.strike(queue, missing)
