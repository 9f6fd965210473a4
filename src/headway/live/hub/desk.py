"""What one event loop has for its watchers: the hub and the door. Made at its first watch, so after any fork."""

import asyncio
from typing import ClassVar

from headway.live.admission.door import Door

from .hub import Hub
from .shutdown import before_shutdown

__all__ = ["Desk"]


class Desk:
    """Use `Desk.here`."""

    made: ClassVar[dict[asyncio.AbstractEventLoop, "Desk"]] = {}

    def __init__(self, loop: asyncio.AbstractEventLoop, prefix: str) -> None:
        self.hub, self.door = Hub(loop, prefix), Door()
        before_shutdown(loop, self.hub.close)

    @classmethod
    def here(cls, prefix: str) -> "Desk":
        """This event loop's; `prefix` is where the project is mounted, the same for all its requests."""
        loop = asyncio.get_running_loop()
        desk = cls.made.get(loop)
        if desk is None:
            cls.clear_closed()
            desk = cls.made[loop] = cls(loop, prefix)
        return desk

    @classmethod
    def clear_closed(cls) -> None:
        """Let go of event loops that have ended, with their threads."""
        for loop in [loop for loop in cls.made if loop.is_closed()]:
            desk = cls.made.pop(loop)
            desk.hub.feed.stop()
            desk.door.gate.threads.shutdown(wait=False)
