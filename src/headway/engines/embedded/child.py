"""A worker process: claims what is due, has the runner advance it, and asks again. Its supervisor watches it."""

import logging
import os
import random
import signal
import socket
import sys
import time
from collections.abc import Collection
from ctypes import Array, c_double
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

from django.db import Error, connections

from headway import database, tracing
from headway.engines.claimant import Claimant
from headway.engines.presence import Presence
from headway.engines.process import Process, look
from headway.engines.stop import Stop
from headway.runs.ticks import Timetable
from headway.wakeups import Listener

from . import doorbell

log = logging.getLogger(__name__)

POLL = 1.0  # s: how late a lost datagram, or a part whose lease has run out, is seen
LONGEST_GOODBYE = 2.0  # s that a child with nothing in hand may take to go


@dataclass(frozen=True)
class Wires:
    """What connects a child to its supervisor."""

    doorbell: socket.socket
    stop: Stop
    beats: "Array[c_double]"
    """Shared memory: by index, `monotonic` (one clock for all processes) at the child's last sign of life."""


class Child(Process):
    """The life of a worker process."""

    def __init__(
        self, worker: str, index: int, wires: Wires, queue_names: Collection[str] = (), once: bool = False
    ) -> None:
        super().__init__(worker, is_replaced=True)
        self.index, self.wires = index, wires
        self.once = once
        """Whether it ends as soon as nothing is due."""
        self.claimant = Claimant(
            worker, should_stop=lambda: self.stopping, wait=self.rest, picks=index, queue_names=queue_names
        )
        self.at_work.append(self.claimant)
        self.stopping = False
        self.busy = time.monotonic()
        """When something was in hand, or the supervisor hadn't yet stopped, at the last look."""
        self.port: int = wires.doorbell.getsockname()[1]
        self.presence = Presence(worker, self.port)

    def live(self) -> None:
        """Work until the supervisor stops, and end the process."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor speaks for it
        self.begin()
        if self.once:
            look(Timetable(), self.worker)  # before it ends: ticks since the last such worker are due, too
        listener = Listener(self.hear)
        if self.index == 0:  # for all: its supervisor forks, so it may have neither the thread nor the connection
            listener.start()
        try:
            while not self.stopping:
                self.turn()
            self.presence.leave()
        finally:
            listener.stop()
            connections.close_all()
        tracing.flush(LONGEST_GOODBYE / 2)
        leave()

    def turn(self) -> None:
        """A slice of what is due, or a wait until something may be."""
        try:
            self.presence.tell()
            if self.claimant.turn():
                return
            if self.once:
                self.stopping = True
                return
        except Error as error:
            log.warning("worker=%s event=database-lost error=%r", self.worker, error)
            database.forget()
        self.rest(POLL * random.uniform(0.7, 1.0))

    def rest(self, seconds: float) -> None:
        """Wait for a ring."""
        doorbell.await_ring(self.wires.doorbell, seconds)

    def hear(self, said: str) -> None:
        """On the listener's thread: pass a wake-up from another machine on to the children that are idle."""
        doorbell.ring_at(self.port, int(said) if said.isdecimal() else 1)

    def stop(self, signum: int, frame: FrameType | None) -> None:
        """Stop after the item in hand."""
        self.stopping = True

    def tick(self, seconds: float) -> None:
        """Give a sign of life, learn that the supervisor stops or is gone, and end what doesn't go."""
        self.wires.beats[self.index] = now = time.monotonic()
        if self.claimant.pulse.began is not None or not self.stopping:
            self.busy = now
        elif now - self.busy > LONGEST_GOODBYE:
            leave()
        if not self.stopping and self.wires.stop.is_wanted():
            self.stopping = True
            # It may be idle, and a sibling take what was meant for it.
            doorbell.ring_at(self.port, len(self.wires.beats))
        time.sleep(seconds)


def leave() -> NoReturn:
    """End this process, also where an item has left threads behind in it."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
