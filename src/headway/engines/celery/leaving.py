"""How a child of the prefork pool leaves when its worker stops: without a last second of sleep.

Billiard has each child sleep for a second after its last word, so that it is heard. The parent waits for its children
to be gone, and has no use for that word by then.
"""

import os
import sys
import threading
import time

from billiard.pool import Worker

__all__ = ["leave_soon"]

ASKED_EVERY = 0.01  # s; there is no event for it, since what the main thread does last is to sleep
GIVEN_UP_AFTER = 2.0  # s; then the process ends as it would have anyway


def leave_soon() -> None:
    """End this process as soon as its main thread has nothing else to do than to sleep before the end."""
    threading.Thread(target=leave, args=(threading.main_thread().ident,), name="headway-leave", daemon=True).start()


def leave(main_thread: int) -> None:
    give_up = time.monotonic() + GIVEN_UP_AFTER
    while time.monotonic() < give_up:
        frame = sys._current_frames().get(main_thread)
        if frame is not None and frame.f_code is Worker._do_exit.__code__:  # whatever it calls has a frame of its own
            os._exit(frame.f_locals["exitcode"])
        time.sleep(ASKED_EVERY)
