"""Who is due when, without a timer for each watcher."""

import asyncio
import logging
from collections.abc import Callable
from typing import Generic, TypeVar

__all__ = ["Wheel"]

TICK = 0.1  # s
log = logging.getLogger("headway.live")
Due = TypeVar("Due")


class Wheel(Generic[Due]):
    """Calls `call` with each one that is due, to a tenth of a second; nothing runs while it is empty."""

    def __init__(self, loop: asyncio.AbstractEventLoop, call: Callable[[Due], None]) -> None:
        self.loop, self.call = loop, call
        self.slots: dict[int, dict[Due, None]] = {}
        self.turning = False

    def put(self, due: Due, seconds: float) -> int:
        """Let it be due in so long; gives the slot, by which it can be taken out again."""
        slot = int((self.loop.time() + seconds) / TICK) + 1
        self.slots.setdefault(slot, {})[due] = None
        if not self.turning:
            self.turning = True
            self.loop.call_later(TICK, self.turn)
        return slot

    def take_out(self, due: Due, slot: int) -> None:
        """It is not to be called any more."""
        self.slots.get(slot, {}).pop(due, None)

    def turn(self) -> None:
        """Call those whose time has come."""
        now = int(self.loop.time() / TICK)
        for slot in [slot for slot in self.slots if slot <= now]:
            for due in self.slots.pop(slot):
                self.remind(due)
        self.turning = bool(self.slots)
        if self.turning:
            self.loop.call_later(TICK, self.turn)

    def remind(self, due: Due) -> None:
        try:
            self.call(due)
        except Exception:  # (one's mistake must not stop the wheel for all others)
            log.exception("Live delivery could not do what was due for one of its watchers")
