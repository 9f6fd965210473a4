"""Rings at the engine that the project has chosen (HEADWAY["ENGINE"])."""

import logging
from importlib import import_module
from typing import Any

from headway.conf import conf
from headway.signals import parts_due

__all__ = ["ENGINES", "connect", "ring"]

log = logging.getLogger(__name__)

ENGINES = {
    "embedded": "headway.engines.embedded.doorbell",
    "celery": "headway.engines.celery.doorbell",
    "django_tasks": "headway.engines.django_tasks.doorbell",
}
"""Where each engine's own `ring(operation, times)` stands; imported when it is needed, with what it depends on."""


def connect() -> None:
    """From now on, ring whenever parts have become due."""
    parts_due.connect(on_parts_due, dispatch_uid="headway.engines")


def on_parts_due(sender: Any, operation: str, parts: int, **kwargs: Any) -> None:
    ring(operation, parts)


def ring(operation: str, times: int = 1) -> None:
    """Wake as many as `times` of those who work on this operation. Never raises: what is missed is found by asking."""
    try:
        import_module(ENGINES[conf().engine]).ring(operation, times)
    except Exception as error:  # noqa: BLE001  (a broker that is gone must not fail a start that is committed)
        log.warning("operation=%s event=doorbell-failed error=%r", operation, error)
