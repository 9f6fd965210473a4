"""Starts the children, replaces the dead, ends the stalled, and hands everything over when it is asked to stop.

It judges a child by its beats over a pipe, never by the database: a child that is frozen inside SQLite's write lock
would freeze its judge.
"""

import logging
import multiprocessing
import signal
import time
from collections.abc import Collection
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType

from django.db import Error, connection, connections

from headway.conf import conf
from headway.database import close_before_fork
from headway.engines.presence import bury, new_name

from .child import Child, Wires
from .doorbell import listening

__all__ = ["Supervisor"]

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
ASKED_AGAIN_AFTER = 0.5  # s
TICK = 0.25  # s, after which a signal to stop is seen at the latest
STARTS_APART = 0.5  # s between two starts of the same child, so that a broken set-up doesn't spin
DATABASE_PATIENCE_MS = 200  # SQLite: wait no longer than this for a lock, since a stalled child may hold it

FORK = multiprocessing.get_context("fork")  # a replacement is there at once, with everything imported


@dataclass
class Watched:
    """A child, as its supervisor knows it."""

    index: int
    worker: str
    process: BaseProcess
    beats: Connection
    heard: float

    def listen(self) -> None:
        """Take its signs of life."""
        try:
            while self.beats.poll():
                self.beats.recv_bytes()
                self.heard = time.monotonic()
        except (EOFError, OSError):
            pass  # it is dead


class Supervisor:
    """A process that works on nothing itself."""

    def __init__(self, processes: int, queue_names: Collection[str] = (), once: bool = False) -> None:
        self.queue_names = queue_names  # whose parts are worked on; none: all
        self.once = once  # a child that finds nothing due ends, and isn't replaced
        self.doorbell = listening()
        self.lifeline, self.held = FORK.Pipe(duplex=False)  # children read the end of file once `held` is closed
        self.children: list[Watched] = []
        self.missing = set(range(processes))
        self.start_at = [0.0] * processes  # by index: not before then
        self.orphaned: dict[str, bool] = {}  # worker → released; their parts are still to be made due
        self.stopping = 0
        self.asked = 0.0
        self.ticked = time.monotonic()

    def run(self) -> None:
        """Supervise until SIGTERM or SIGINT, or until nothing is due any more (`once`); a second signal ends the
        children where they are."""
        for number in STOP_SIGNALS:
            signal.signal(number, self.stop)
        while not self.stopping and (self.missing or self.children):
            self.start_missing()
            self.tick()
        self.held.close()  # an item may have taken the children's signal handlers away; this reaches them all
        while self.children:
            self.tick()
        give_up = time.monotonic() + conf().lease_seconds  # after that their leases have run out anyway
        while self.orphaned and time.monotonic() < give_up:
            self.tick()
        connections.close_all()

    def tick(self) -> None:
        """Wait for a beat or a death, and see to it."""
        wait([source for child in self.children for source in (child.process.sentinel, child.beats)], TICK)
        now = time.monotonic()
        if now - self.ticked > conf().lease_seconds / 2:
            for child in self.children:
                child.heard = now  # the supervisor was frozen, and perhaps they too: their silence counts for nothing
        self.ticked = now
        for child in self.children:
            child.listen()
            self.judge(child)
        self.bury_dead()
        self.make_due()

    def start_missing(self) -> None:
        """Start a child for each that is missing; when the system refuses, try again later."""
        for index in [index for index in self.missing if self.start_at[index] <= time.monotonic()]:
            self.start_at[index] = time.monotonic() + STARTS_APART
            try:
                self.children.append(self.start(index))
                self.missing.remove(index)
            except OSError as error:
                log.error("event=start-failed error=%r", error)

    def start(self, index: int) -> Watched:
        """Fork a child. Raises OSError when there is no process or no pipe to be had."""
        close_before_fork()
        worker = new_name()
        beats, say = FORK.Pipe(duplex=False)
        wires = Wires(self.doorbell, self.lifeline, say)
        process = FORK.Process(target=self.be_child, args=(worker, index, wires), name=worker)
        # A SIGTERM between the fork and the child's own handler would be lost, so it is kept waiting for that long.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            process.start()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
            say.close()
        return Watched(index, worker, process, beats, heard=time.monotonic())

    def be_child(self, worker: str, index: int, wires: Wires) -> None:
        """What the forked process does instead of supervising."""
        self.held.close()  # only the supervisor may hold it, or its death would go unnoticed
        Child(worker, index, wires, self.queue_names, self.once).live()

    def stop(self, signum: int, frame: FrameType | None) -> None:
        """Ask the children to hand over; asked again, end them.

        Launchers that signal a process and then its whole group ask twice within an instant, and mean once.
        """
        now = time.monotonic()
        if not self.stopping or now - self.asked > ASKED_AGAIN_AFTER:
            self.stopping += 1
            self.asked = now

    def judge(self, child: Watched) -> None:
        """Kill a child that has been silent for a lease, or all of them where the supervisor was asked twice."""
        impatient = self.stopping > 1
        if (impatient or time.monotonic() - child.heard > conf().lease_seconds) and child.process.is_alive():
            log.error("worker=%s event=killed reason=%s", child.worker, "asked" if impatient else "silent")
            child.process.kill()
            child.process.join()

    def bury_dead(self) -> None:
        """Take note of children that are gone; what they owned is due at once."""
        for child in [child for child in self.children if not child.process.is_alive()]:
            child.process.join()
            child.beats.close()
            self.children.remove(child)
            went = child.process.exitcode == 0 and (self.once or self.stopping > 0)
            # No item has ended a child that was asked to go and went, or that was killed for impatience.
            self.orphaned[child.worker] = went or self.stopping > 1
            if not went:
                self.missing.add(child.index)
            if not (went or self.stopping):
                log.error("worker=%s event=died exitcode=%s", child.worker, child.process.exitcode)

    def make_due(self) -> None:
        """Make the parts of children that are gone due at once; while the database is busy, with the next tick."""
        for worker, released in list(self.orphaned.items()):
            try:
                if connection.vendor == "sqlite":
                    connection.ensure_connection()
                    connection.connection.execute(f"PRAGMA busy_timeout = {DATABASE_PATIENCE_MS}")
                bury(worker, released=released)
            except Error as error:
                log.warning("worker=%s event=hand-over-delayed error=%r", worker, error)
                connections.close_all()
                return
            del self.orphaned[worker]
