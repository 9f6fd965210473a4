"""Telling watchers of the end while the server can still send: a server that stops waits for them, or cuts them off."""

import asyncio
import signal
import threading
from collections.abc import Callable
from functools import partial
from types import FrameType
from typing import Any

PATIENCE = 1.0  # s; a thousand sockets need half of it on a busy machine
SIGNALS = (signal.SIGTERM, signal.SIGINT)
SendAway = Callable[[Callable[[], None]], None]


def before_shutdown(loop: asyncio.AbstractEventLoop, send_away: SendAway) -> None:
    """Send the watchers away as soon as the process is told to end, and then let the server do what it does.

    `send_away` is called on the loop, with what it must call when the last has been told: a server closes its sockets
    at once, without a word. ASGI's own lifespan comes too late: servers send it when all connections are closed.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # only there may handlers be set, and only there a server sets its own
    for each in SIGNALS:
        before = signal.getsignal(each)
        if callable(before):  # otherwise there is no handler, and the process just ends
            signal.signal(each, Delay(loop, send_away, before))


class Delay:
    """A signal's handler that calls the one before it when the watchers have been told, or have had a second."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, send_away: SendAway, before: Callable[[int, FrameType | None], Any]
    ) -> None:
        self.loop, self.send_away, self.before = loop, send_away, before
        self.asked = self.passed = False

    def __call__(self, received: int, frame: FrameType | None) -> None:
        pass_on = partial(self.pass_on, received, frame)
        if self.asked or self.loop.is_closed():
            return pass_on(again=True)  # the second signal is in a hurry
        self.asked = True
        self.loop.call_soon_threadsafe(self.loop.call_later, PATIENCE, pass_on)
        self.loop.call_soon_threadsafe(self.send_away, pass_on)
        return None

    def pass_on(self, received: int, frame: FrameType | None, *, again: bool = False) -> None:
        if again or not self.passed:
            self.passed = True
            self.before(received, frame)
