"""How the pool's processes learn that their worker stops, and the worker that they have handed over: Celery tells its
parent process alone, and hears nothing.

Two pipes, made before the pool forks. Once a byte lies in the first, or nobody holds its other end any more, it can be
read for ever, by every child; nobody does read it. The second can be read once nobody holds its other end any more.
"""

import os
import select

__all__ = ["Lifeline"]


class Lifeline:
    """The pipes. Made by the parent, inherited by every child."""

    def __init__(self) -> None:
        self.parent = os.getpid()
        self.read_end, self.write_end = os.pipe()
        self.all_free, self.busy = os.pipe()

    def let_go(self) -> None:
        """By a child: only the parent may hold the other end, or its death would go unnoticed."""
        os.close(self.write_end)

    def cut(self) -> None:
        """By the parent: tell all children, those too that are forked from now on."""
        if os.getpid() == self.parent:
            os.write(self.write_end, b"!")

    def is_cut(self, seconds: float) -> bool:
        """Whether the parent stops, or is gone; waits for so long."""
        return bool(select.select([self.read_end], [], [], seconds)[0])

    def hand_over(self) -> None:
        """By a child, once: it has nothing in hand any more, and will begin nothing."""
        os.close(self.busy)

    def wait_for_all(self, seconds: float) -> bool:
        """By the parent, once: whether all children have handed over; waits for so long."""
        os.close(self.busy)
        return bool(select.select([self.all_free], [], [], seconds)[0])
