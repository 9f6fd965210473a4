"""Where Celery's signals meet Headway: what a worker does when it begins, forks, stops and ends.

With the prefork pool each child works; with threads and solo, the worker's own process does.
"""

import logging
import os
import sys
from dataclasses import dataclass, field
from typing import Any

from celery import bootsteps, concurrency, signals

from headway.engines import queues
from headway.engines.presence import new_name
from headway.engines.process import Answering, Stop

from .checks import refusals, transport_of
from .doorbell import ADVANCE

log = logging.getLogger(__name__)

FORKS = "celery.concurrency.prefork"
POOLS = {FORKS: "prefork", "celery.concurrency.thread": "threads", "celery.concurrency.solo": "solo"}


@dataclass
class Worker:
    """What all processes of a worker have from its parent."""

    queue_names: list[str]
    """Those of Headway's that it consumes from; none: it does nothing of Headway's."""
    forks: bool
    """Whether its children work, and not the parent."""
    siblings: str = field(default_factory=lambda: f"{new_name()}:")
    """How the names of its processes begin."""
    stop: Stop = field(default_factory=Stop)

    def start_here(self) -> None:
        """Have this process work."""
        global process
        if self.queue_names:
            name, siblings = f"{self.siblings}{os.getpid()}", self.siblings if self.forks else ""
            process = Answering(name, self.queue_names, siblings, is_replaced=self.forks)
            process.begin()


worker: Worker | None = None  # made in the parent, inherited by its children
process: Answering | None = None  # this one, if it works


def answer(queue: str) -> None:
    """Answer a message. Raises RuntimeError in a process that is no worker."""
    if worker is None or process is None:
        raise RuntimeError("headway.advance was called outside a Celery worker, or in one that had begun without it.")
    process.answer([queue], worker.stop.is_wanted)


class StopFirst(bootsteps.StartStopStep):
    """However the worker ends, its pool waits for the tasks in hand: they must know before."""

    requires = ("celery.worker.components:Pool",)

    def stop(self, worker: Any) -> None:
        stop()

    terminate = stop


@signals.worker_init.connect(dispatch_uid="headway.worker_init")
def prepare(sender: Any, **kwargs: Any) -> None:
    """In the parent, before its pool is made. Ends a worker that can't work."""
    global worker
    ours = [name for name in sender.app.amqp.queues.consume_from if name in queues.every()]
    pool = concurrency.get_implementation(sender.pool_cls).__module__
    worker = Worker(ours, forks=pool == FORKS)
    if not ours:
        return
    if pool not in POOLS:
        sys.exit(f"Headway doesn't run on this pool ({pool}). Use one of: {', '.join(POOLS.values())}.")
    if found := refusals(sender.app):
        sys.exit("\n".join(f"{message}" for message in found))
    if sender.prefetch_multiplier != 1:
        log.warning("event=prefetch multiplier=%s advice=%s", sender.prefetch_multiplier, "--prefetch-multiplier=1")
    if transport_of(sender.app) == "redis":
        # Celery 5.7 ends a worker that has an unacknowledged message when its connection to Redis breaks.
        sender.app.tasks[ADVANCE].acks_late = False
    sender.app.steps["worker"].add(StopFirst)
    # Told before the worker waits, and not only when the wait is over, the tasks in hand can end in that time.
    patience = sender.wait_for_soft_shutdown
    sender.wait_for_soft_shutdown = lambda: (stop(), patience())


@signals.worker_ready.connect(dispatch_uid="headway.worker_ready")
def begin(**kwargs: Any) -> None:
    """In the parent, when it takes messages."""
    if worker and not worker.forks:
        worker.start_here()


@signals.worker_process_init.connect(dispatch_uid="headway.worker_process_init")
def begin_child(**kwargs: Any) -> None:
    """In a child of the prefork pool; one that was spawned (macOS) has inherited nothing, and learns of no stop."""
    global worker
    worker = worker or Worker(queues.every(), forks=True)
    worker.start_here()


@signals.worker_shutting_down.connect(dispatch_uid="headway.worker_shutting_down")
def stop(**kwargs: Any) -> None:
    """In the parent: have every process stop after the item in hand."""
    if worker:
        worker.stop.ask()


@signals.worker_shutdown.connect(dispatch_uid="headway.worker_shutdown")
@signals.worker_process_shutdown.connect(dispatch_uid="headway.worker_process_shutdown")
def end(**kwargs: Any) -> None:
    """In a process that worked, when all is over."""
    if process:
        process.watch.leave()
