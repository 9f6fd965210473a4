"""A worker process: claims what is due, has the runner advance it, and asks again. Its supervisor watches it."""

import logging
import os
import random
import signal
import socket
import sys
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from types import FrameType
from typing import NoReturn

from django.db import Error, connections

from headway import database
from headway.engines.claimant import Claimant
from headway.engines.presence import Presence
from headway.wakeups import Listener

from . import doorbell

__all__ = ["Child", "Wires"]

log = logging.getLogger(__name__)

POLL = 1.0  # s: how late a lost datagram, or a part whose lease has run out, is seen
BEAT_EVERY = 0.25  # s between two beats to the supervisor
LONGEST_GOODBYE = 2.0  # s that a child with nothing in hand may take to go


@dataclass(frozen=True)
class Wires:
    """What connects a child to its supervisor."""

    doorbell: socket.socket
    lifeline: Connection
    """Can be read, for ever, once the supervisor stops or is gone."""
    beats: Connection
    """Takes a message now and then, as a sign of life."""


class Child:
    """The life of a worker process."""

    def __init__(
        self, worker: str, index: int, wires: Wires, queue_names: Collection[str] = (), once: bool = False
    ) -> None:
        self.worker, self.index, self.wires = worker, index, wires
        self.once = once
        """Whether it ends as soon as nothing is due."""
        self.claimant = Claimant(
            worker, should_stop=lambda: self.stopping, wait=self.rest, picks=index, queue_names=queue_names
        )
        self.stopping = False
        self.port: int = wires.doorbell.getsockname()[1]
        self.presence = Presence(worker, self.port)

    def live(self) -> None:
        """Work until the supervisor stops, and end the process."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor speaks for it
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
        threading.Thread(target=self.keep_in_touch, name="headway-beats", daemon=True).start()
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
        """Wait for a ring, or for the supervisor to stop."""
        if self.wires.doorbell in wait([self.wires.doorbell, self.wires.lifeline], seconds):
            doorbell.answered(self.wires.doorbell)

    def hear(self, said: str) -> None:
        """On the listener's thread: pass a wake-up from another machine on to the children that are idle."""
        doorbell.ring_at(self.port, int(said) if said.isdecimal() else 1)

    def stop(self, signum: int, frame: FrameType | None) -> None:
        """Stop after the item in hand."""
        self.stopping = True

    def keep_in_touch(self) -> None:
        """On a thread that never waits for the database: give signs of life, and end what hangs or doesn't go."""
        pulse, busy = self.claimant.pulse, time.monotonic()
        while not pulse.is_hung:
            self.beat()
            if pulse.began is not None or not self.stopping:
                busy = time.monotonic()
            elif time.monotonic() - busy > LONGEST_GOODBYE:
                leave()
        log.error("worker=%s event=killed reason=hung", self.worker)
        os.kill(os.getpid(), signal.SIGKILL)  # a thread can't be ended, so the process is

    def beat(self) -> None:
        """Give a sign of life; until the next, learn that the supervisor stops or is gone."""
        try:
            self.wires.beats.send_bytes(b".")
        except OSError:
            self.stopping = True
        if self.stopping:
            time.sleep(BEAT_EVERY)
        elif self.wires.lifeline.poll(BEAT_EVERY):
            self.stopping = True


def leave() -> NoReturn:
    """End this process, also where an item has left threads behind in it."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
