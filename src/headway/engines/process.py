"""What every process that works has: its name, what it has in hand, a thread that ends it when an item hangs, and one
that starts what is due by the clock. `Answering` is one that messages wake, with a watch beside the work. By `Stop` the
children of a worker learn that it stops.
"""

import itertools
import logging
import mmap
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Collection
from typing import NoReturn

from django.db import connections

from headway.runs import ticks

from .claimant import Claimant
from .watch import Watch

log = logging.getLogger(__name__)

TICK = 0.25  # s between two looks at what is in hand
HUNG = "restart this worker: nothing else replaces what hangs"
LOOK_EVERY = 1.0  # s: how late a tick of a schedule is seen


class Process:
    """All threads of this process that work, under one name."""

    def __init__(self, worker: str, *, is_replaced: bool) -> None:
        self.worker = worker
        self.is_replaced = is_replaced
        """Whether this process can be ended alone, since another then takes its place."""
        self.at_work: list[Claimant] = []

    def begin(self) -> None:
        """Keep an eye on what is in hand, until the process ends."""
        threading.Thread(target=self.end_when_hung, name="headway-end-when-hung", daemon=True).start()
        if ticks.scheduled():
            threading.Thread(target=self.keep_time, name="headway-keep-time", daemon=True).start()

    def end_when_hung(self) -> None:
        """On a thread that never waits for the database. A thread can't be ended, so the process is."""
        while not any(claimant.pulse.is_hung for claimant in list(self.at_work)):
            self.tick(TICK)
        if self.is_replaced:
            log.error("worker=%s event=killed reason=hung", self.worker)
            os.kill(os.getpid(), signal.SIGKILL)
        log.error("worker=%s event=hung advice=%r", self.worker, HUNG)

    def keep_time(self) -> None:
        """On a thread, since what is in hand may take an hour: start what is due by the clock."""
        timetable = ticks.Timetable()
        while True:
            look(timetable, self.worker)
            time.sleep(LOOK_EVERY * random.uniform(0.7, 1.0))  # so that processes don't look at the same moment

    def tick(self, seconds: float) -> None:
        """What the thread does between two looks; takes this time."""
        time.sleep(seconds)


class Answering(Process):
    """One of Celery's or of Django's tasks, on one thread or several."""

    def __init__(self, worker: str, queue_names: Collection[str], siblings: str = "", *, is_replaced: bool) -> None:
        """`queue_names`: those for which it rings; `siblings`: see `Watch`."""
        super().__init__(worker, is_replaced=is_replaced)
        self.watch = Watch(worker, queue_names, siblings)
        self.picks = itertools.count()

    def begin(self) -> None:
        """Tell that this process is there, too."""
        self.watch.start()
        super().begin()

    def answer(self, queue_names: Collection[str], should_stop: Callable[[], bool]) -> str:
        """Answer a message: advance for a slice what of these queues should go next. Gives what that came to."""
        claimant = Claimant(
            self.worker, should_stop=should_stop, wait=time.sleep, picks=next(self.picks), queue_names=queue_names
        )
        self.at_work.append(claimant)
        try:
            return claimant.answer()
        finally:
            self.at_work.remove(claimant)


class Stop:
    """Whether this worker stops: it was asked to, or its parent is gone. A signal, or Celery, tells the parent alone.

    One byte of memory, made before the parent forks, which it shares with every child, those too that it forks later.
    """

    def __init__(self) -> None:
        self.parent = os.getpid()
        self.shared = mmap.mmap(-1, 1)

    def ask(self) -> None:
        """Tell every process of this worker."""
        self.shared[0] = 1

    def is_wanted(self) -> bool:
        return bool(self.shared[0]) or self.parent not in (os.getpid(), os.getppid())


def leave() -> NoReturn:
    """End this process, also where an item has left threads behind in it."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def look(timetable: ticks.Timetable, worker: str) -> None:
    """One look, without a connection left open until the next; what fails is tried again with that."""
    try:
        if not timetable.look():
            return
    except Exception as error:  # noqa: BLE001  (the thread must outlast what a database raises)
        log.warning("worker=%s event=look-failed error=%r", worker, error)
    connections.close_all()
