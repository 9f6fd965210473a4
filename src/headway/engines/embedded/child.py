"""A worker process: claims what is due, has the runner advance it, and asks again. It is watched by its supervisor."""

import logging
import os
import random
import select
import signal
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from types import FrameType

from django.db import Error, connections

from headway import database
from headway.engines.claimant import Claimant
from headway.engines.presence import Presence
from headway.wakeups import Listener, Subject

from .doorbell import Doorbell

__all__ = ["BUSY", "HUNG", "IDLE", "Child", "Wires"]

log = logging.getLogger(__name__)

POLL = 1.0  # s: how late a lost doorbell, or a part whose lease has run out, is seen
BEAT_EVERY = 0.25  # s between two words to the supervisor
IDLE, BUSY, HUNG = b"-", b".", b"!"


@dataclass(frozen=True)
class Wires:
    """What connects a child to its supervisor."""

    doorbell: Doorbell
    lifeline: int
    """Reads the end of file when the supervisor is gone, however it went."""
    beats: int
    """Where to say `IDLE`, `BUSY` or `HUNG`."""


class Child:
    """The life of a worker process."""

    def __init__(self, worker: str, index: int, wires: Wires, queue_names: Collection[str] = ()) -> None:
        self.worker, self.index, self.wires = worker, index, wires
        self.claimant = Claimant(
            worker, should_stop=lambda: self.stopping, wait=self.rest, picks=index, queue_names=queue_names
        )
        self.stopping = False
        self.wake_read, self.wake_write = os.pipe()
        self.presence = Presence(worker, wires.doorbell.port)

    def live(self) -> None:
        """Work until asked to stop."""
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor speaks for it
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM, signal.SIGINT))
        threading.Thread(target=self.watch_lifeline, name="headway-lifeline", daemon=True).start()
        threading.Thread(target=self.keep_beating, name="headway-beats", daemon=True).start()
        listener = Listener(Subject.PARTS_DUE, self.hear)
        if self.index == 0:  # for all: its supervisor forks, so it may have neither the thread nor the connection
            listener.start()
        try:
            while not self.stopping:
                self.turn()
            self.presence.leave()
        finally:
            listener.stop()
            connections.close_all()

    def turn(self) -> None:
        """A slice of what is due, or a wait until something may be."""
        try:
            self.presence.tell()
            if self.claimant.turn():
                return
        except Error as error:
            log.warning("worker=%s event=database-lost error=%r", self.worker, error)
            database.forget()
        self.rest(POLL * random.uniform(0.7, 1.0))

    def rest(self, seconds: float) -> None:
        """Until it rings, or until we are asked to stop."""
        self.wires.doorbell.wait(seconds, self.wake_read)

    def hear(self, said: str) -> None:
        """A wake-up from another machine, on the listener's thread: ring here, for whoever of us is idle."""
        self.wires.doorbell.ring(int(said) if said.isdecimal() else 1)

    def stop(self, signum: int = 0, frame: FrameType | None = None) -> None:
        """Stop after the item in hand."""
        self.stopping = True
        os.write(self.wake_write, b"!")

    def watch_lifeline(self) -> None:
        """Stop when the supervisor is gone, as nobody would end us if we hung; or when it asks all to stop."""
        select.select([self.wires.lifeline], [], [])
        log.info("worker=%s event=lifeline-closed", self.worker)
        self.stop()

    def keep_beating(self) -> None:
        """Say every quarter second that we live, and whether something is in hand, or hung."""
        pulse = self.claimant.pulse
        while True:
            try:
                os.write(self.wires.beats, HUNG if pulse.is_hung else IDLE if pulse.began is None else BUSY)
            except OSError:
                return  # nobody listens any more; the lifeline tells the rest
            time.sleep(BEAT_EVERY)
