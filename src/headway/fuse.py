"""Leaves alone for a while what has just failed, so that a server that hangs costs a moment now and then."""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

log = logging.getLogger(__name__)

FIRST_REST, LONGEST_REST = 0.5, 10.0  # s, doubled with each failure in a row
Given = TypeVar("Given")


class Fuse:
    """For what is only there to save time: whether it works never matters to the caller."""

    def __init__(self, what: str) -> None:
        self.what = what
        self.failures = 0
        self.rests_until = 0.0

    def attempt(self, call: Callable[[], Given]) -> Given | None:
        """What `call` gives; None when it raises, or when it did so lately and isn't called at all."""
        if self.failures and time.monotonic() < self.rests_until:
            return None
        try:
            given = call()
        except Exception as error:  # noqa: BLE001  (the caller goes on without it)
            rest = min(LONGEST_REST, FIRST_REST * 2.0 ** min(self.failures, 10))
            self.failures += 1
            self.rests_until = time.monotonic() + rest
            log.warning("event=%s-failed left_alone_seconds=%s error=%r", self.what, rest, error)
            return None
        if self.failures:
            self.failures = 0
            log.info("event=%s-works-again", self.what)
        return given
