"""Rings at the engine that the project has chosen."""

import logging
from typing import Any

from headway.signals import parts_due

from .engine import chosen

__all__ = ["MOST", "connect", "ring"]

log = logging.getLogger(__name__)

MOST = 64  # rings at once: the workers that are woken find the rest


def connect() -> None:
    """From now on, ring whenever parts have become due."""
    parts_due.connect(on_parts_due, dispatch_uid="headway.engines")


def on_parts_due(sender: Any, operation: str, parts: int, **kwargs: Any) -> None:
    ring(operation, parts)


def ring(operation: str, times: int = 1) -> bool:
    """Wake up to `times` of the workers of this operation. Gives whether that went well; never raises."""
    try:
        chosen().ring(operation, min(times, MOST))
    except Exception as error:  # noqa: BLE001  (a broker that is gone must not fail a start that is committed)
        log.warning("operation=%s event=doorbell-failed error=%r", operation, error)
        return False
    return True
