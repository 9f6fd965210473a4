"""The embedded engine: worker processes that poll the parts table, and their supervisor."""

import socket

from headway import wakeups
from headway.engines.engine import Engine
from headway.store.parts import workers
from headway.wakeups import datagrams


class Embedded(Engine):
    """`headway_worker`, here and on other machines."""

    worker = "manage.py headway_worker"

    def ring(self, operation: str, times: int) -> None:
        """By a wake-up for workers elsewhere, where there are wake-ups, and by datagrams for those of this machine."""
        wakeups.send(str(times))
        for port in workers.doorbells(socket.gethostname()):
            datagrams.send(port, times)
