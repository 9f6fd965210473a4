"""A worker of tasks stops only after the task; so the slice listens to the same signals, and ends after the item."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["Stop", "heard"]

STOP_SIGNALS = [number for name in ("SIGTERM", "SIGINT", "SIGQUIT") if (number := getattr(signal, name, None))]
PYTHONS_OWN = (signal.SIG_DFL, signal.default_int_handler)


class Stop:
    """Whether the process has been asked to stop. No lock: a signal's handler may come while the thread holds it."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def is_wanted(self) -> bool:
        return bool(self.asked)


@contextmanager
def heard() -> Iterator[Stop]:
    """Listen, and let the worker's own handlers hear it as well; afterwards all is as it was.

    Python lets only the main thread listen: in another one the slice ends by the clock alone.
    """
    stop = Stop()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    before = {number: signal.getsignal(number) for number in STOP_SIGNALS}
    put_off: list[int] = []

    def hear(number: int, frame: FrameType | None) -> None:
        stop.asked.append(number)
        handler = before[signal.Signals(number)]
        if handler in PYTHONS_OWN:
            put_off.append(number)  # it would end the process with the item half done
        elif callable(handler):
            handler(number, frame)

    for number, handler in before.items():
        if handler not in (signal.SIG_IGN, None):  # None: set by something else than Python, and out of our reach
            signal.signal(number, hear)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            if handler is not None:
                signal.signal(number, handler)
        if put_off:
            signal.raise_signal(put_off[0])
