"""What is in hand and since when, and the thread that renews lease and shared holds while it takes long."""

import logging
import threading
import time

from django.db import DatabaseError, InterfaceError, connections

from headway.conf import conf
from headway.database import bound_idle_transactions
from headway.models import Part
from headway.store.parts import leases

from .holding import Holding

log = logging.getLogger(__name__)


class Pulse:
    """Set by the loop, read by other threads: the heartbeat, and whoever supervises this process."""

    def __init__(self) -> None:
        self.began: float | None = None
        """`monotonic` when what is in hand was begun; None: nothing is."""
        self.limit = 0.0
        """Seconds after which it is hung."""
        self.renewed = 0.0
        """`monotonic` when the lease was renewed last."""

    def begin(self, limit: float) -> None:
        """Something is in hand that may take `limit` seconds."""
        self.limit = limit
        self.began = time.monotonic()

    def rest(self) -> None:
        """Nothing is in hand."""
        self.began = None

    @property
    def is_hung(self) -> bool:
        """Whether what is in hand has outlasted its limit."""
        began = self.began
        return began is not None and time.monotonic() - began > self.limit


class Heartbeat:
    """A thread that renews the lease of one part while the loop is too busy to checkpoint, on a connection of its own,
    and what its run holds over Redis.

    It stops renewing for what is hung, or a hung item would be immortal.
    """

    def __init__(self, part: Part, pulse: Pulse, holding: Holding) -> None:
        self.part_id, self.run_id, self.token = part.pk, part.run_id, part.token
        self.pulse = pulse
        self.holding = holding
        self.over = threading.Event()
        self.interval = conf().lease_seconds / 3  # so that two may be lost

    def __enter__(self) -> "Heartbeat":
        threading.Thread(target=self.run, name=f"headway-heartbeat-{self.part_id}", daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        # Not joined: it may wait for SQLite's lock, and a late renewal finds no row under this token.
        self.over.set()

    def run(self) -> None:
        """Renew whenever a third of the lease has passed without a checkpoint that did."""
        try:
            while not self.over.wait(self.interval):
                if not self.pulse.is_hung:
                    self.holding.renew()
                if not self.pulse.is_hung and time.monotonic() - self.pulse.renewed >= self.interval:
                    self.renew()
        finally:
            connections.close_all()

    def renew(self) -> None:
        """One renewal; a failing one is tried again a third of a lease later."""
        try:
            bound_idle_transactions(0)  # frozen as it writes, it must not keep the part's row from a successor
            if self.token is not None and leases.renew(self.run_id, self.token):
                self.pulse.renewed = time.monotonic()
        except (DatabaseError, InterfaceError) as error:
            log.warning("part=%s event=heartbeat-failed error=%r", self.part_id, error)
            connections.close_all()
