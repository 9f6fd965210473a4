"""Where Celery's signals meet Headway: what a worker does when it begins, forks, stops and ends.

The pool decides who is who: with prefork, each child is a crew; with threads and solo, the worker's own process.
"""

import logging
import os
import sys
from dataclasses import dataclass
from typing import Any

from celery import bootsteps, concurrency, signals
from django.db import connections

from headway.engines import queues
from headway.engines.presence import Presence, new_name

from .checks import refusals
from .crew import Crew
from .lifeline import Lifeline
from .watch import Watch

__all__ = ["answer"]

log = logging.getLogger(__name__)

HANDING_OVER = 1.0  # s that are waited for children to hand over, before the pool is closed
FORKS = "celery.concurrency.prefork"
POOLS = {FORKS: "prefork", "celery.concurrency.thread": "threads", "celery.concurrency.solo": "solo"}


@dataclass
class Post:
    """This process's place: set in the parent, inherited by its children."""

    name: str
    """How the names of this worker's processes begin."""
    queues: list[str]
    forks: bool
    """Whether its children answer, and not the parent."""
    lifeline: Lifeline | None
    """None: nothing is forked, or this process was spawned, and wasn't given it."""
    crew: Crew | None = None
    """None: this process answers no bells itself."""

    def man(self) -> None:
        """From now on, this process answers bells."""
        self.crew = Crew(f"{self.name}{os.getpid()}", self.queues)
        Watch(self.crew, self.name, self.lifeline, is_child=self.forks).start()

    def stop(self) -> None:
        """Have everybody stop after the item in hand."""
        if self.lifeline:
            self.lifeline.cut()
        if self.crew:
            self.crew.stopping.set()

    def leave(self) -> None:
        """Tell that this process is gone."""
        if self.crew:
            try:
                Presence(self.crew.worker).leave()
            finally:
                connections.close_all()


post: Post | None = None
is_parents = False  # whether the parent was here before the fork, and so has decided whether there is a post


def answer(queue: str) -> None:
    """Answer a bell. Raises RuntimeError in a process that is no worker."""
    if post is None or post.crew is None:
        raise RuntimeError("headway.advance was called outside a Celery worker, or in one that had begun without it.")
    post.crew.answer(queue)


class HandOver(bootsteps.StartStopStep):
    """Whatever ends the worker, its pool waits for the tasks in hand: they must know before."""

    requires = ("celery.worker.components:Pool",)

    def stop(self, worker: Any) -> None:
        """Billiard looks every half second for the results of those who weren't ready when it asked."""
        stop()
        if post and post.lifeline and not post.lifeline.wait_for_all(HANDING_OVER):
            log.warning("event=slow-hand-over advice='items that take long hold up every deploy'")

    def terminate(self, worker: Any) -> None:
        stop()


@signals.worker_init.connect(dispatch_uid="headway.worker_init")
def prepare(sender: Any, **kwargs: Any) -> None:
    """In the parent, before its pool is made. Ends a worker that can't work."""
    global post, is_parents
    is_parents = True
    ours = [name for name in sender.app.amqp.queues.consume_from if name in queues.every()]
    if not ours:
        return
    pool = concurrency.get_implementation(sender.pool_cls).__module__
    if pool not in POOLS:
        sys.exit(f"Headway doesn't run on this pool ({pool}). Use one of: {', '.join(POOLS.values())}.")
    if found := refusals(sender.app):
        sys.exit("\n".join(f"{message}" for message in found))
    if sender.prefetch_multiplier != 1:
        log.warning("event=prefetch multiplier=%s advice='--prefetch-multiplier=1'", sender.prefetch_multiplier)
    post = Post(new_name() + ":", ours, pool == FORKS, Lifeline() if pool == FORKS else None)
    sender.app.steps["worker"].add(HandOver)
    # Told before it waits, and not only when it is over, what is in hand can end in that time.
    patience = sender.wait_for_soft_shutdown
    sender.wait_for_soft_shutdown = lambda: (stop(), patience())


@signals.worker_ready.connect(dispatch_uid="headway.worker_ready")
def begin(**kwargs: Any) -> None:
    """In the parent, when it takes messages: it answers them itself, unless it forks."""
    if post and not post.forks:
        post.man()


@signals.worker_process_init.connect(dispatch_uid="headway.worker_process_init")
def begin_child(**kwargs: Any) -> None:
    """In a child of the prefork pool; one that was spawned (macOS) has inherited nothing, and learns of no stop."""
    global post
    if not is_parents:
        post = Post(new_name() + ":", queues.every(), forks=True, lifeline=None)
    if post:
        if post.lifeline:
            post.lifeline.let_go()
        post.man()


@signals.worker_shutting_down.connect(dispatch_uid="headway.worker_shutting_down")
def stop(**kwargs: Any) -> None:
    """In the parent, as soon as it is asked to."""
    if post:
        post.stop()


@signals.worker_shutdown.connect(dispatch_uid="headway.worker_shutdown")
@signals.worker_process_shutdown.connect(dispatch_uid="headway.worker_process_shutdown")
def end(**kwargs: Any) -> None:
    """In the parent, or in a child of its pool, when all is over."""
    if post:
        post.leave()
