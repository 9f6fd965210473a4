"""The one task: it advances for a slice what should go next, and rings again."""

import atexit
import functools
import itertools
import logging
import os
import time

from headway import database
from headway.conf import conf
from headway.engines import queues
from headway.engines.claimant import Claimant
from headway.engines.presence import new_name
from headway.engines.watch import Watch
from headway.store.parts import leases

from . import routes, stopping
from .flavour import task

__all__ = ["advance"]

log = logging.getLogger(__name__)

picks = itertools.count()


@task(backend=conf().tasks_backend, queue=conf().tasks_queue)
def advance(queue: str) -> str:
    """A slice of what is due in this queue; gives, for people who look at it, what that came to."""
    worker = worker_of(os.getpid())
    with stopping.heard() as stop:
        claimant = Claimant(
            worker,
            should_stop=stop.is_wanted,
            wait=time.sleep,
            picks=next(picks),
            queue_names=routes.claimed_from(queue),
        )
        try:
            return claimant.answer()
        except (KeyboardInterrupt, SystemExit):
            hand_over(worker)
            raise


@functools.cache
def worker_of(pid: int) -> str:
    """The name of this process, which tells that it is there from its first task until its end; a fork begins anew."""
    worker = new_name()
    watch = Watch(worker, queues.every())
    watch.start()
    atexit.register(lambda: watch.leave() if os.getpid() == pid else None)
    return worker


def hand_over(worker: str) -> None:
    """Asked a second time, the worker ends in the middle of an item. No item did that, so the next owner needn't be
    careful."""
    if parts := leases.give_up_parts_of(worker, released=True):
        log.warning("worker=%s event=handed-over parts=%s", worker, parts)
    database.forget()
