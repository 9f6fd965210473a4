"""A worker of tasks stops only after the task; so the slice listens to the same signals, and ends after the item."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = [number for name in ("SIGTERM", "SIGINT", "SIGQUIT") if (number := getattr(signal, name, None))]
PYTHONS_OWN = (signal.SIG_DFL, signal.default_int_handler)


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
