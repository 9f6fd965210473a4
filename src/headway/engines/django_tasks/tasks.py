"""The one task: it advances for a slice what should go next, and rings again.

A worker of tasks stops only after the task; so the slice listens to the same signals, and ends after the item.
"""

import atexit
import functools
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from headway import database
from headway.conf import conf
from headway.engines import queues
from headway.engines.presence import bury, new_name
from headway.engines.process import Answering

from . import flavour

log = logging.getLogger(__name__)

STOP_SIGNALS = [number for name in ("SIGTERM", "SIGINT", "SIGQUIT") if (number := getattr(signal, name, None))]
PYTHONS_OWN = (signal.SIG_DFL, signal.default_int_handler)


@flavour.task(backend=conf().tasks_backend, queue=conf().tasks_queue)
def advance(queue: str) -> str:
    """A slice of what is due in this queue; gives, for people who look at it, what that came to."""
    process = process_of(os.getpid())
    with heard() as is_asked_to_stop:
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


@contextmanager
def heard() -> Iterator[Callable[[], bool]]:
    """Listen, and let the worker's own handlers hear it as well; afterwards all is as it was. Gives what says whether
    the process has been asked to stop.

    Python lets only the main thread listen: in another one the slice ends by the clock alone.
    """
    asked: list[int] = []  # not an Event: a signal's handler may come while the thread holds its lock
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    put_off: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        handler = before[signal.Signals(number)]
        if handler in PYTHONS_OWN:
            put_off.append(number)  # it would end the process with the item half done
        elif callable(handler):
            handler(number, frame)

    for number, handler in before.items():
        if handler not in (signal.SIG_IGN, None):  # None: set by something else than Python, and out of our reach
            signal.signal(number, hear)
    try:
        yield lambda: bool(asked)
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
        if put_off:
            signal.raise_signal(put_off[0])
