"""How fast the machine is at each moment: CPU seconds say less of a program the more its neighbours use the cores.

On a machine that is shared, the same work may take twice the CPU time from one second to the next. So a little work of
a constant amount is done all the time, and its slowness tells that of everything else.
"""

import os
import threading
import time
from statistics import median

from benchmarks.work import spin

__all__ = ["machine"]

TURNS = 2_000  # a fifth of a millisecond
EVERY = 0.2  # s


class Machine(threading.Thread):
    """Use `machine`; it measures from its start to the end of the process."""

    def __init__(self) -> None:
        super().__init__(name="machine", daemon=True)
        self.samples: list[tuple[float, float]] = []
        self.fastest = float("inf")

    def run(self) -> None:
        while True:
            began = time.thread_time()
            spin(TURNS)
            took = time.thread_time() - began
            self.fastest = min(self.fastest, took)
            self.samples.append((time.monotonic(), took))
            time.sleep(EVERY)

    def slowness(self, begin: float, end: float) -> float:
        """How much more CPU time than at its best moment the same work took between these two; at least 1."""
        during = [took for at, took in self.samples if begin <= at <= end]
        return median(during) / self.fastest if during else 1.0

    def told(self) -> str:
        """How disturbed it was in all."""
        slowness = self.slowness(0.0, time.monotonic())
        return f"load {os.getloadavg()[0]:.1f}, CPU time stretched {slowness:.1f} times (median)"


machine = Machine()
