"""From signals to wake-ups: after the commit, not too often, and never so that the teller would notice a failure."""

import math
import time
from typing import Any
from uuid import UUID

from headway.fuse import Fuse
from headway.signals import run_changed, run_ended

from .channels import Subject
from .choice import channel

__all__ = ["connect", "tell"]

GAP = 0.25  # s between two words about one run: the hub tells its watchers no more than four times a second
MOST_REMEMBERED = 1_000  # runs; forgetting when each was told of costs one message more

told: dict[UUID, float] = {}
fuse = Fuse("wake-up")


def connect() -> None:
    """From now on, tell other processes of what has changed."""
    run_changed.connect(on_run_changed, dispatch_uid="headway.wakeups")
    run_ended.connect(on_run_ended, dispatch_uid="headway.wakeups")


def on_run_changed(run_id: UUID, **kwargs: Any) -> None:
    """Four times a second at most. What isn't told is found by the hub's next round, within a tenth of a second."""
    now = time.monotonic()
    if now - told.get(run_id, -math.inf) < GAP:
        return
    if len(told) > MOST_REMEMBERED:
        told.clear()
    told[run_id] = now
    tell(Subject.RUN_CHANGED, str(run_id))


def on_run_ended(run_id: UUID, **kwargs: Any) -> None:
    """Always: the end is what people wait for, and the hub tells of it at once."""
    told.pop(run_id, None)
    tell(Subject.RUN_CHANGED, str(run_id))


def tell(subject: Subject, said: str) -> None:
    """Tell other processes, if there is a channel. Never raises."""

    def say() -> None:
        if chosen := channel():
            chosen.tell(subject, said)

    fuse.attempt(say)
