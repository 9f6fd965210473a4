"""A worker process: claims what is due, has the runner advance it, and asks again. Its supervisor watches it."""

import logging
import random
import signal
import socket
import time
from collections.abc import Collection
from ctypes import Array, c_double
from dataclasses import dataclass

from django.db import Error, connections

from headway import database, tracing
from headway.engines.claimant import Claimant
from headway.engines.presence import Presence
from headway.engines.process import Process, Stop, leave, look
from headway.runs.ticks import Timetable
from headway.wakeups import Listener, datagrams

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

    def __init__(self, worker: str, index: int, wires: Wires, queue_names: Collection[str], once: bool) -> None:
        super().__init__(worker, is_replaced=True)
        self.index, self.wires = index, wires
        self.once = once  # whether it ends as soon as nothing is due
        self.claimant = Claimant(
            worker, should_stop=lambda: self.stopping, wait=self.rest, picks=index, queue_names=queue_names
        )
        self.at_work.append(self.claimant)
        self.stopping = False
        self.busy = time.monotonic()  # at the last look that found something in hand, or no wish that it stop
        self.presence = Presence(worker, doorbell=wires.doorbell.getsockname()[1])

    def live(self) -> None:
        """Work until the supervisor stops, and end the process."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor speaks for it
        self.begin()
        if self.once:
            look(Timetable(), self.worker)  # before it ends: ticks since the last such worker are due, too
        if self.index == 0:  # for all: its supervisor forks, so it may have neither the thread nor the connection
            Listener(self.hear).start()
        while not self.stopping:
            self.turn()
        self.presence.leave()
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
        except Error as error:
            log.warning("worker=%s event=database-lost error=%r", self.worker, error)
            database.forget()
        if not self.stopping:
            self.rest(POLL * random.uniform(0.7, 1.0))

    def rest(self, seconds: float) -> None:
        """Wait for a ring."""
        datagrams.wait(self.wires.doorbell, seconds)

    def hear(self, said: str) -> None:
        """On the listener's thread: pass a wake-up from another machine on to the children that are idle."""
        datagrams.send(self.presence.doorbell, int(said) if said.isdecimal() else 1)

    def stop(self, *received: object) -> None:
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
            datagrams.send(self.presence.doorbell, len(self.wires.beats))
        time.sleep(seconds)
