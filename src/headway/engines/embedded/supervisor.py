"""Starts the children, replaces the dead, ends the stalled, and hands everything over when it is asked to stop.

It judges a child by its beats over a pipe, never by the database: a child that is frozen inside SQLite's write lock
would freeze its judge.
"""

import logging
import multiprocessing
import os
import select
import signal
import sys
import time
from collections.abc import Collection
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import NoReturn

from django.db import Error, connection, connections

from headway.conf import conf
from headway.database import close_before_fork
from headway.engines.presence import bury, new_name

from .child import HUNG, IDLE, Child, Wires
from .doorbell import Doorbell

__all__ = ["Supervisor"]

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
ASKED_AGAIN_AFTER = 0.5  # s
LONGEST_GOODBYE = 2.0  # s that a child with nothing in hand may take to go
TICK = 0.25  # s
SHORT_LIFE = 1.0  # s; a second such life in a row of the same child begins with a pause: a broken set-up must not spin
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 5.0  # s, doubled each time
DATABASE_PATIENCE_MS = 200  # SQLite: wait no longer than this for a lock, since a stalled child may hold it

FORK = multiprocessing.get_context("fork")  # a replacement is there at once, with everything imported


@dataclass
class Ward:
    """A child, as its supervisor knows it."""

    index: int
    worker: str
    process: BaseProcess
    beats: int
    heard: float
    started: float
    busy: float = 0.0
    """When it last had something in hand."""
    hung: bool = False


class Supervisor:
    """A process that works on nothing itself."""

    def __init__(self, processes: int, queue_names: Collection[str] = ()) -> None:
        self.processes = processes
        self.queue_names = queue_names  # whose parts are worked on; none: all
        self.doorbell = Doorbell()
        self.lifeline_read, self.lifeline_write = os.pipe()
        self.wake_read, self.wake_write = os.pipe()
        os.set_blocking(self.wake_read, False)
        self.wards: list[Ward] = []
        self.orphaned: dict[str, bool] = {}  # worker → released; their parts are still to be made due
        self.restart_at: dict[int, float] = {}
        self.short_lives: dict[int, int] = {}  # in a row, by index
        self.stopping = 0
        self.asked = 0.0
        self.ticked = time.monotonic()

    def run(self) -> None:
        """Supervise until SIGTERM or SIGINT; a second one ends the children where they are."""
        for number in STOP_SIGNALS:
            signal.signal(number, self.stop)
        for index in range(self.processes):
            self.start(index)
        while not self.stopping:
            self.tick()
            self.replace_missing()
        for ward in self.wards:
            ward.process.terminate()
        os.close(self.lifeline_write)  # the same for a child whose item has taken its signal handler away
        while self.wards:
            self.tick()
        give_up = time.monotonic() + conf().lease_seconds  # after that their leases have run out anyway
        while self.orphaned and time.monotonic() < give_up:
            self.tick()
        connections.close_all()

    def tick(self) -> None:
        """Wait for a beat, a death or a signal, and see to it."""
        sentinels = {ward.process.sentinel for ward in self.wards}
        select.select([*sentinels, self.wake_read, *(ward.beats for ward in self.wards)], [], [], TICK)
        now = time.monotonic()
        if now - self.ticked > conf().lease_seconds / 2:
            # We were stopped ourselves, and perhaps they too: what was said or not said meanwhile counts for nothing.
            for ward in self.wards:
                drain(ward.beats)
                ward.heard, ward.hung = now, False
        self.ticked = now
        drain(self.wake_read)
        for ward in self.wards:
            self.listen(ward)
            self.judge(ward)
        self.bury_dead()
        self.make_due()

    def start(self, index: int) -> None:
        """Fork a child; when the system refuses, try again later."""
        close_before_fork()
        worker = new_name()
        try:
            beats_read, beats_write = os.pipe()
        except OSError as error:
            self.start_later(index, error)
            return
        wires = Wires(self.doorbell, self.lifeline_read, beats_write)
        process = FORK.Process(target=self.be_child, args=(worker, index, wires, beats_read), name=worker)
        # A SIGTERM between the fork and the child's own handler would be lost, so it is kept waiting for that long.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)
        try:
            process.start()
        except OSError as error:
            os.close(beats_read)
            self.start_later(index, error)
            return
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)
            os.close(beats_write)
        os.set_blocking(beats_read, False)
        now = time.monotonic()
        self.wards.append(Ward(index, worker, process, beats_read, heard=now, started=now))

    def start_later(self, index: int, error: OSError) -> None:
        """No process or no pipe is to be had just now."""
        log.error("event=start-failed error=%r", error)
        self.restart_at[index] = time.monotonic() + LONGEST_PAUSE

    def be_child(self, worker: str, index: int, wires: Wires, beats_read: int) -> None:
        """What the forked process does instead of supervising."""
        os.close(self.lifeline_write)  # only the supervisor may hold it, or its death would go unnoticed
        os.close(beats_read)
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
        os.write(self.wake_write, b"!")

    def listen(self, ward: Ward) -> None:
        """Read what a child has said."""
        if said := drain(ward.beats):
            ward.heard = time.monotonic()
            ward.hung = said.endswith(HUNG)
            if not said.endswith(IDLE):
                ward.busy = ward.heard

    def judge(self, ward: Ward) -> None:
        """Kill a child that is hung, that has been silent for a lease, or that we no longer wait for."""
        now = time.monotonic()
        silent = now - ward.heard > conf().lease_seconds
        lingers = self.stopping > 0 and now - max(ward.busy, self.asked) > LONGEST_GOODBYE
        impatient = self.stopping > 1 or lingers
        if (ward.hung or silent or impatient) and ward.process.is_alive():
            log.error(
                "worker=%s event=killed reason=%s",
                ward.worker,
                "hung" if ward.hung else "silent" if silent else "asked",
            )
            if impatient and not ward.hung:
                self.orphaned[ward.worker] = True  # we ended it, no item did
            ward.process.kill()
            ward.process.join()

    def bury_dead(self) -> None:
        """Take note of children that are gone; what they owned is due at once."""
        for ward in [ward for ward in self.wards if not ward.process.is_alive()]:
            ward.process.join()
            os.close(ward.beats)
            self.wards.remove(ward)
            self.orphaned.setdefault(ward.worker, False)
            if not self.stopping:
                log.error("worker=%s event=died exitcode=%s", ward.worker, ward.process.exitcode)
            self.restart_at[ward.index] = time.monotonic() + self.pause_before_next(ward)

    def pause_before_next(self, ward: Ward) -> float:
        """Seconds before this child is replaced: none, unless the one before it lived as shortly."""
        lived = time.monotonic() - ward.started
        lives = self.short_lives[ward.index] = self.short_lives.get(ward.index, 0) + 1 if lived < SHORT_LIFE else 0
        # A child that was killed (a negative exit code) says nothing about the set-up: its work must go on at once.
        longest = FIRST_PAUSE if (ward.process.exitcode or 0) < 0 else LONGEST_PAUSE
        return 0.0 if lives < 2 else min(longest, FIRST_PAUSE * 2.0 ** (lives - 2))

    def replace_missing(self) -> None:
        """Start a child for each that is gone."""
        for index in [index for index, due in self.restart_at.items() if due <= time.monotonic()]:
            del self.restart_at[index]
            self.start(index)

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


def drain(descriptor: int) -> bytes:
    """All that can be read at once."""
    try:
        return os.read(descriptor, 65536)
    except BlockingIOError:
        return b""
