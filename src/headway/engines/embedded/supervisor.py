"""Starts the children, replaces the dead, ends the stalled, and hands everything over when it is asked to stop.

It judges a child by its beats over a pipe, never by the database: a child that is frozen inside SQLite's write lock
would freeze its judge.
"""

import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import NoReturn

from django.db import Error, connection, connections

from headway.conf import conf
from headway.database import close_before_fork
from headway.engines.presence import bury, new_name

from .child import HUNG, IDLE, Child, Wires
from .doorbell import listening

__all__ = ["Supervisor"]

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
ASKED_AGAIN_AFTER = 0.5  # s
LONGEST_GOODBYE = 2.0  # s that a child with nothing in hand may take to go
TICK = 0.25  # s, after which a signal to stop is seen at the latest
SHORT_LIFE = 1.0  # s; a second such life in a row of the same child begins with a pause: a broken set-up must not spin
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0  # s, doubled each time
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
    started: float
    busy: float = 0.0
    """When it last had something in hand."""
    hung: bool = False

    def listen(self) -> None:
        """Read what it has said."""
        if said := last_word(self.beats):
            self.heard = time.monotonic()
            self.hung = said == HUNG
            if said != IDLE:
                self.busy = self.heard

    def forgive(self, now: float) -> None:
        """Forget what it said, or didn't, until now."""
        last_word(self.beats)
        self.heard, self.hung = now, False


class Supervisor:
    """A process that works on nothing itself."""

    def __init__(self, processes: int, queue_names: Collection[str] = ()) -> None:
        self.queue_names = queue_names  # whose parts are worked on; none: all
        self.doorbell = listening()
        self.lifeline, self.held = FORK.Pipe(duplex=False)  # children read the end of file once `held` is closed
        self.children: list[Watched] = []
        self.orphaned: dict[str, bool] = {}  # worker → released; their parts are still to be made due
        self.start_at: dict[int, float] = dict.fromkeys(range(processes), 0.0)  # by index, the children that lack
        self.short_lives: dict[int, int] = {}  # in a row, by index
        self.stopping = 0
        self.asked = 0.0
        self.ticked = time.monotonic()

    def run(self) -> None:
        """Supervise until SIGTERM or SIGINT; a second one ends the children where they are."""
        for number in STOP_SIGNALS:
            signal.signal(number, self.stop)
        while not self.stopping:
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
            # The supervisor was frozen, and perhaps its children too: their silence meanwhile counts for nothing.
            for child in self.children:
                child.forgive(now)
        self.ticked = now
        for child in self.children:
            child.listen()
            self.judge(child)
        self.bury_dead()
        self.make_due()

    def start_missing(self) -> None:
        """Start a child for each that lacks; when the system refuses, try again later."""
        for index in [index for index, due in self.start_at.items() if due <= time.monotonic()]:
            try:
                self.children.append(self.start(index))
                del self.start_at[index]
            except OSError as error:
                log.error("event=start-failed error=%r", error)
                self.start_at[index] = time.monotonic() + LONGEST_PAUSE

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
        now = time.monotonic()
        return Watched(index, worker, process, beats, heard=now, started=now)

    def be_child(self, worker: str, index: int, wires: Wires) -> None:
        """What the forked process does instead of supervising."""
        self.held.close()  # only the supervisor may hold it, or its death would go unnoticed
        Child(worker, index, wires, self.queue_names).live()
        leave()

    def stop(self, signum: int, frame: FrameType | None) -> None:
        """Ask the children to hand over; asked again, end them.

        Launchers that signal a process and then its whole group ask twice within an instant, and mean once.
        """
        now = time.monotonic()
        if not self.stopping or now - self.asked > ASKED_AGAIN_AFTER:
            self.stopping += 1
            self.asked = now

    def judge(self, child: Watched) -> None:
        """Kill a child that is hung, that has been silent for a lease, or that we no longer wait for."""
        now = time.monotonic()
        silent = now - child.heard > conf().lease_seconds
        lingers = self.stopping > 0 and now - max(child.busy, self.asked) > LONGEST_GOODBYE
        impatient = self.stopping > 1 or lingers
        if (child.hung or silent or impatient) and child.process.is_alive():
            log.error(
                "worker=%s event=killed reason=%s",
                child.worker,
                "hung" if child.hung else "silent" if silent else "asked",
            )
            if impatient and not child.hung:
                self.orphaned[child.worker] = True  # we ended it, no item did
            child.process.kill()
            child.process.join()

    def bury_dead(self) -> None:
        """Take note of children that are gone; what they owned is due at once."""
        for child in [child for child in self.children if not child.process.is_alive()]:
            child.process.join()
            child.beats.close()
            self.children.remove(child)
            self.orphaned.setdefault(child.worker, False)
            if not self.stopping:
                log.error("worker=%s event=died exitcode=%s", child.worker, child.process.exitcode)
            self.start_at[child.index] = time.monotonic() + self.pause_before_next(child)

    def pause_before_next(self, child: Watched) -> float:
        """Seconds before this child is replaced: none, unless the one before it lived as shortly."""
        lived = time.monotonic() - child.started
        lives = self.short_lives[child.index] = self.short_lives.get(child.index, 0) + 1 if lived < SHORT_LIFE else 0
        # A child that was killed (a negative exit code) says nothing about the set-up: its work must go on at once.
        longest = FIRST_PAUSE if (child.process.exitcode or 0) < 0 else LONGEST_PAUSE
        return 0.0 if lives < 2 else min(longest, FIRST_PAUSE * 2.0 ** (lives - 2))

    def make_due(self) -> None:
        """Make the parts of those who are gone due at once; while the database is busy, with the next tick."""
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


def leave() -> NoReturn:
    """End this process, whatever threads an item may have left behind in it."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def last_word(beats: Connection) -> bytes:
    """Of all that can be read at once, the last; nothing where nothing is said, or nobody speaks any more."""
    said = b""
    try:
        while beats.poll():
            said = beats.recv_bytes()
    except (EOFError, OSError):
        pass
    return said
