"""The one task: it advances for a slice what should go next, and rings again."""

import atexit
import functools
import logging
import os

from headway import database
from headway.conf import conf
from headway.engines import queues
from headway.engines.presence import bury, new_name
from headway.engines.process import Answering

from . import flavour, stopping

log = logging.getLogger(__name__)


@flavour.task(backend=conf().tasks_backend, queue=conf().tasks_queue)
def advance(queue: str) -> str:
    """A slice of what is due in this queue; gives, for people who look at it, what that came to."""
    process = process_of(os.getpid())
    with stopping.heard() as is_asked_to_stop:
        try:
            return process.answer(flavour.claimed_from(queue), is_asked_to_stop)
        except (KeyboardInterrupt, SystemExit):
            hand_over(process.worker)
            raise


@functools.cache
def process_of(pid: int) -> Answering:
    """This one, which tells that it is there from its first task until its end; a fork begins anew."""
    process = Answering(new_name(), queues.every(), is_replaced=False)
    process.begin()
    atexit.register(lambda: process.watch.leave() if os.getpid() == pid else None)
    return process


def hand_over(worker: str) -> None:
    """Asked a second time, the worker ends in the middle of an item. No item did that, so the next owner needn't be
    careful."""
    if parts := bury(worker, released=True):
        log.warning("worker=%s event=handed-over parts=%s", worker, parts)
    database.forget()
