"""The embedded engine: worker processes that poll the parts table, their supervisor, and the doorbell between them."""

from headway import wakeups
from headway.engines.engine import Engine

from . import doorbell

__all__ = ["Embedded"]


class Embedded(Engine):
    """`headway_worker`, here and on other machines."""

    worker = "manage.py headway_worker"

    def ring(self, operation: str, times: int) -> None:
        """By a wake-up for workers elsewhere, where there are wake-ups, and by a datagram for those of this machine."""
        wakeups.send(str(times))
        doorbell.ring(times)
