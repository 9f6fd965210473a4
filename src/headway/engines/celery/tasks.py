"""The two tasks. Their options are their own, whatever the project's are; nothing here changes any other task."""

from typing import Any

from celery import shared_task

from headway.engines import queues

from . import worker
from .doorbell import ADVANCE

OURS: dict[str, Any] = {
    "serializer": "json",
    "ignore_result": True,
    "store_errors_even_if_ignored": False,
    "track_started": False,
    "rate_limit": None,
    "time_limit": 0,  # a slice ends by itself, and a process that hangs ends itself
    "soft_time_limit": 0,
}
STALE_AFTER = 5.0  # s; while no worker is there, beat's messages pile up


@shared_task(name=ADVANCE, acks_late=True, reject_on_worker_lost=True, acks_on_failure_or_timeout=True, **OURS)
def advance(queue: str) -> None:
    """Advance for a slice what of this queue should go next."""
    worker.answer(queue)


@shared_task(name="headway.reap", expires=STALE_AFTER, **OURS)
def reap() -> None:
    """Ring for what is due in any queue: beat's entry. Every worker does the same for its own queues."""
    queues.reap(queues.every())
