"""Starts the children, replaces the dead, ends the stalled, and hands everything over when it is asked to stop.

It judges a child by its beats in shared memory, never by the database: a child that is frozen inside SQLite's write
lock would freeze its judge.
"""

import logging
import multiprocessing
import signal
import time
from collections.abc import Callable, Collection
from multiprocessing.process import BaseProcess
from types import FrameType

from django.db import Error, connections

from headway.conf import conf
from headway.database import close_before_fork
from headway.engines.presence import bury, new_name
from headway.engines.stop import Stop

from .child import Child, Wires
from .doorbell import listening

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
ASKED_AGAIN_AFTER = 0.5  # s
TICK = 0.25  # s, after which a death or a signal to stop is seen at the latest; children of a broken set-up don't spin

FORK = multiprocessing.get_context("fork")  # a replacement is there at once, with everything imported


class Supervisor:
    """A process that works on nothing itself."""

    def __init__(self, processes: int, queue_names: Collection[str] = (), once: bool = False) -> None:
        self.queue_names = queue_names  # whose parts are worked on; none: all
        self.once = once  # a child that finds nothing due ends, and isn't replaced
        self.wires = Wires(listening(), Stop(), FORK.RawArray("d", processes))
        self.children: dict[int, BaseProcess] = {}  # by index; each is called as its worker
        self.missing = set(range(processes))
        self.orphaned: dict[str, bool] = {}  # worker → released; their parts are still to be made due
        self.stopping = 0
        self.asked = 0.0
        self.ticked = time.monotonic()

    def run(self, is_over: Callable[[], bool] = lambda: False) -> None:
        """Supervise until SIGTERM or SIGINT, until it is over, or until nothing is due any more (`once`); a second
        signal ends the children where they are."""
        for number in STOP_SIGNALS:
            signal.signal(number, self.stop)
        while not (self.stopping or is_over()) and (self.missing or self.children):
            self.start_missing()
            self.tick()
        self.stopping = max(self.stopping, 1)
        self.wires.stop.ask()
        while self.children:
            self.tick()
        give_up = time.monotonic() + conf().lease_seconds  # after that their leases have run out anyway
        while self.orphaned and time.monotonic() < give_up:
            self.tick()
        connections.close_all()

    def tick(self) -> None:
        """Wait a moment, and see to the children."""
        time.sleep(TICK)
        if time.monotonic() - self.ticked > conf().lease_seconds / 2:
            for index in self.children:
                self.beat(index)  # the supervisor was frozen, and perhaps they too: their silence counts for nothing
        for index, child in list(self.children.items()):
            self.judge(index, child)
        self.make_due()
        self.ticked = time.monotonic()

    def beat(self, index: int) -> None:
        self.wires.beats[index] = time.monotonic()

    def start_missing(self) -> None:
        """Start a child for each that is missing; when the system refuses, try again later."""
        for index in list(self.missing):
            try:
                self.children[index] = self.start(index)
                self.missing.remove(index)
            except OSError as error:
                log.error("event=start-failed error=%r", error)

    def start(self, index: int) -> BaseProcess:
        """Fork a child. Raises OSError when there is no process to be had."""
        worker = new_name()
        child = Child(worker, index, self.wires, self.queue_names, self.once)
        process = FORK.Process(target=child.live, name=worker)
        self.beat(index)
        close_before_fork()
        process.start()
        return process

    def stop(self, signum: int, frame: FrameType | None) -> None:
        """Ask the children to hand over; asked again, end them.

        Launchers that signal a process and then its whole group ask twice within an instant, and mean once.
        """
        now = time.monotonic()
        if not self.stopping or now - self.asked > ASKED_AGAIN_AFTER:
            self.stopping += 1
            self.asked = now
        self.wires.stop.ask()  # no signal: an item may have taken the children's handlers away

    def judge(self, index: int, child: BaseProcess) -> None:
        """Take note of a child that is gone; before that, kill one that has been silent for a lease, or any where the
        supervisor was asked twice."""
        impatient = self.stopping > 1
        silent = time.monotonic() - self.wires.beats[index] > conf().lease_seconds
        if (impatient or silent) and child.is_alive():
            log.error("worker=%s event=killed reason=%s", child.name, "asked" if impatient else "silent")
            child.kill()
            child.join()
        if not child.is_alive():
            self.note_death(index, child)

    def note_death(self, index: int, child: BaseProcess) -> None:
        """What it owned is due at once, and another takes its place."""
        del self.children[index]
        went = child.exitcode == 0 and (self.once or self.stopping > 0)
        # No item has ended a child that was asked to go and went, or that was killed for impatience.
        self.orphaned[child.name] = went or self.stopping > 1
        if not went:
            self.missing.add(index)
        if not (went or self.stopping):
            log.error("worker=%s event=died exitcode=%s", child.name, child.exitcode)

    def make_due(self) -> None:
        """Make the parts of children that are gone due at once; while the database is gone, with the next tick."""
        for worker, released in list(self.orphaned.items()):
            try:
                bury(worker, released=released)
            except Error as error:
                log.warning("worker=%s event=hand-over-delayed error=%r", worker, error)
                connections.close_all()
                return
            del self.orphaned[worker]
