"""What happens to runs, as lines in the log: `grep run=…` gives one's story."""

import logging
from typing import Any
from uuid import UUID

from headway.signals import part_taken_over, run_ended, start_answered

__all__ = ["connect"]

log = logging.getLogger(__name__)


def connect() -> None:
    """From now on, tell."""
    start_answered.connect(on_start, dispatch_uid=__name__)
    run_ended.connect(on_end, dispatch_uid=__name__)
    part_taken_over.connect(on_take_over, dispatch_uid=__name__)


def on_start(sender: Any, operation: str, disposition: str, run_id: UUID | None, **kwargs: Any) -> None:
    log.info("run=%s operation=%s event=start disposition=%s", run_id or "", operation, disposition)


def on_end(sender: Any, run_id: UUID, operation: str, state: str, **kwargs: Any) -> None:
    log.info("run=%s operation=%s event=ended state=%s", run_id, operation, state)


def on_take_over(sender: Any, run_id: UUID, **kwargs: Any) -> None:
    log.warning("run=%s event=taken-over", run_id)
