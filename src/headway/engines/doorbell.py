"""Rings at the engine that the project has chosen."""

from typing import Any

from headway.fuse import Fuse
from headway.signals import parts_due

from .engine import chosen

MOST = 64  # rings at once: the workers that are woken find the rest
fuse = Fuse("ring")  # a broker that is gone must not fail a start that is committed, nor hold each one up


def connect() -> None:
    """From now on, ring whenever parts have become due."""
    parts_due.connect(on_parts_due, dispatch_uid="headway.engines")


def on_parts_due(sender: Any, operation: str, parts: int, **kwargs: Any) -> None:
    ring(operation, parts)


def ring(operation: str, times: int = 1) -> bool:
    """Wake up to `times` of the workers of this operation. Gives whether that went well; never raises."""

    def rings() -> bool:
        chosen().ring(operation, min(times, MOST))
        return True

    return fuse.attempt(rings) or False
