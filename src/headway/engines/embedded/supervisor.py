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

from django.db import Error, connections

from headway.conf import conf
from headway.database import close_before_fork
from headway.engines.presence import bury, new_name
from headway.engines.process import Stop
from headway.wakeups.datagrams import listening

from .child import Child, Wires

log = logging.getLogger(__name__)

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
        self.stopping = 0
        self.asked = 0.0
        self.ticked = time.monotonic()

    def run(self, is_over: Callable[[], bool] = lambda: False) -> None:
        """Supervise until SIGTERM or SIGINT, until it is over, or until nothing is due any more (`once`); a second
        signal ends the children where they are."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        while not (self.stopping or is_over()) and (self.missing or self.children):
            self.start_missing()
            self.tick()
        self.stopping = max(self.stopping, 1)
        self.wires.stop.ask()
        while any(child.is_alive() for child in self.children.values()):
            self.tick()
        give_up = time.monotonic() + conf().lease_seconds  # after that their leases have run out anyway
        while self.children and time.monotonic() < give_up:
            self.tick()

    def tick(self) -> None:
        """Wait a moment, and see to the children."""
        time.sleep(TICK)
        if time.monotonic() - self.ticked > conf().lease_seconds / 2:
            for index in self.children:  # the supervisor was frozen, and perhaps they too: their silence is none
                self.wires.beats[index] = time.monotonic()
        for index, child in self.children.items():
            self.judge(index, child)
        self.bury_dead()
        self.ticked = time.monotonic()

    def start_missing(self) -> None:
        """Fork a child for each that is missing; when the system refuses, try again later."""
        for index in list(self.missing):
            worker = new_name()
            child = FORK.Process(target=Child(worker, index, self.wires, self.queue_names, self.once).live, name=worker)
            self.wires.beats[index] = time.monotonic()
            close_before_fork()
            try:
                child.start()
            except OSError as error:
                log.error("event=start-failed error=%r", error)
                return
            self.children[index] = child
            self.missing.remove(index)

    def stop(self, *received: object) -> None:
        """Ask the children to hand over; asked again, end them.

        Launchers that signal a process and then its whole group ask twice within an instant, and mean once.
        """
        now = time.monotonic()
        if not self.stopping or now - self.asked > ASKED_AGAIN_AFTER:
            self.stopping += 1
            self.asked = now
        self.wires.stop.ask()  # no signal: an item may have taken the children's handlers away

    def judge(self, index: int, child: BaseProcess) -> None:
        """Kill a child that has been silent for a lease, or any where the supervisor was asked twice."""
        impatient = self.stopping > 1
        silent = time.monotonic() - self.wires.beats[index] > conf().lease_seconds
        if (impatient or silent) and child.is_alive():
            log.error("worker=%s event=killed reason=%s", child.name, "asked" if impatient else "silent")
            child.kill()
            child.join()

    def bury_dead(self) -> None:
        """What they owned is due at once, and others take their places; while the database is gone, a tick later."""
        for index, child in [(index, child) for index, child in self.children.items() if not child.is_alive()]:
            went = child.exitcode == 0 and (self.once or self.stopping > 0)
            try:
                # No item has ended a child that was asked to go and went, or that was killed for impatience.
                bury(child.name, released=went or self.stopping > 1)
            except Error as error:
                log.warning("worker=%s event=hand-over-delayed error=%r", child.name, error)
                connections.close_all()
                return
            del self.children[index]
            if not went:
                self.missing.add(index)
            if not (went or self.stopping):
                log.error("worker=%s event=died exitcode=%s", child.name, child.exitcode)
