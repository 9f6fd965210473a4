"""How the children of a worker learn that it stops: a signal, or Celery, tells its parent process alone.

One byte of memory, made before the parent forks, which it shares with every child, those too that it forks later.
"""

import mmap
import os


class Stop:
    """Whether this worker stops: it was asked to, or its parent is gone."""

    def __init__(self) -> None:
        self.parent = os.getpid()
        self.shared = mmap.mmap(-1, 1)

    def ask(self) -> None:
        """Tell every process of this worker."""
        self.shared[0] = 1

    def is_wanted(self) -> bool:
        return bool(self.shared[0]) or self.parent not in (os.getpid(), os.getppid())
