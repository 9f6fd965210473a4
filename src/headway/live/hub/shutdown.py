"""Telling watchers of the end while the server can still send: a server that stops waits for them, or cuts them off."""

import asyncio
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

__all__ = ["before_shutdown"]

PATIENCE = 1.0  # s; a thousand sockets need half of it on a busy machine
SIGNALS = (signal.SIGTERM, signal.SIGINT)


def before_shutdown(loop: asyncio.AbstractEventLoop, tell: Callable[[Callable[[], None]], None]) -> None:
    """Tell the watchers as soon as the process is told to end, and then let the server do what it does.

    `tell` is called on the loop, with what it must call when all have been told: a server closes its sockets at once,
    without a word. ASGI's own lifespan comes too late: servers send it when all connections are closed.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # only there may handlers be set, and only there a server sets its own
    for each in SIGNALS:
        before = signal.getsignal(each)
        if callable(before):  # otherwise nobody handles it, and the process just ends
            signal.signal(each, Delay(loop, tell, before))


class Delay:
    """A signal's handler that calls the one before it when the watchers have been told, or have had a second."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        tell: Callable[[Callable[[], None]], None],
        before: Callable[[int, FrameType | None], Any],
    ) -> None:
        self.loop, self.tell, self.before = loop, tell, before
        self.asked = self.passed = False

    def __call__(self, received: int, frame: FrameType | None) -> None:
        pass_on = partial(self.pass_on, received, frame)
        if self.asked or self.loop.is_closed():
            return pass_on(again=True)  # whoever says it twice is in a hurry
        self.asked = True
        self.loop.call_soon_threadsafe(self.begin, pass_on)
        return None

    def begin(self, pass_on: Callable[[], None]) -> None:
        self.loop.call_later(PATIENCE, pass_on)
        self.tell(pass_on)

    def pass_on(self, received: int, frame: FrameType | None, *, again: bool = False) -> None:
        if again or not self.passed:
            self.passed = True
            self.before(received, frame)
