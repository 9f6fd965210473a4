"""A process that messages wake: it claims for each of them, and has a watch beside the work."""

import itertools
import time
from collections.abc import Callable, Collection

from .claimant import Claimant
from .process import Process
from .watch import Watch


class Answering(Process):
    """One of Celery's or of Django's tasks, on one thread or several."""

    def __init__(self, worker: str, queue_names: Collection[str], siblings: str = "", *, is_replaced: bool) -> None:
        """`queue_names`: those for which it rings; `siblings`: see `Watch`."""
        super().__init__(worker, is_replaced=is_replaced)
        self.watch = Watch(worker, queue_names, siblings)
        self.picks = itertools.count()

    def begin(self) -> None:
        """Tell that this process is there, too."""
        self.watch.start()
        super().begin()

    def answer(self, queue_names: Collection[str], should_stop: Callable[[], bool]) -> str:
        """Answer a message: advance for a slice what of these queues should go next. Gives what that came to."""
        claimant = Claimant(
            self.worker, should_stop=should_stop, wait=time.sleep, picks=next(self.picks), queue_names=queue_names
        )
        self.at_work.append(claimant)
        try:
            return claimant.answer()
        finally:
            self.at_work.remove(claimant)
