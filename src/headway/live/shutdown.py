"""Telling watchers of the end while the server can still send: a server that stops waits for them, or cuts them off."""

import asyncio
import signal
import threading
from collections.abc import Callable
from types import FrameType

__all__ = ["before_shutdown"]

SIGNALS = (signal.SIGTERM, signal.SIGINT)


def before_shutdown(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    """Call this on the loop as soon as the process is told to end, and then let the server do what it does.

    ASGI's own lifespan comes too late: servers send it when all connections are closed.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # only there may handlers be set, and only there a server sets its own
    for each in SIGNALS:
        chain(each, loop, call)


def chain(number: signal.Signals, loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> None:
    before = signal.getsignal(number)
    if not callable(before):
        return  # nobody handles it, so the process just ends

    def handle(received: int, frame: FrameType | None) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(call)
        before(received, frame)

    signal.signal(number, handle)
