"""More of what happens to runs, as lines in the log: `grep run=…` gives everything about one."""

import logging
from typing import Any
from uuid import UUID

from headway.signals import part_taken_over, start_answered

log = logging.getLogger(__name__)


def connect() -> None:
    for signal, receiver in ((start_answered, on_start), (part_taken_over, on_take_over)):
        signal.connect(receiver, dispatch_uid=__name__)


def on_start(operation: str, disposition: str, run_id: UUID | None, **kwargs: Any) -> None:
    log.info("run=%s operation=%s event=start disposition=%s", run_id or "", operation, disposition)


def on_take_over(run_id: UUID, **kwargs: Any) -> None:
    log.warning("run=%s event=taken-over", run_id)
