"""For a project's tests: what a worker would do, done in the test's own process."""

import time

from headway.engines.claimant import Claimant

__all__ = ["drain"]


def drain(seconds: float = 60) -> None:
    """Do whatever is due, of all operations and queues, until nothing is due any more or the seconds are over.

    Each item is done exactly as by a worker: in chunks, with checkpoints, outcomes and signals. What is due later (a
    part that the database has failed on rests for a second) isn't waited for. Raises errors of the database.
    """
    until = time.monotonic() + seconds
    claimant = Claimant("drain", should_stop=lambda: time.monotonic() >= until, wait=time.sleep)
    while time.monotonic() < until and claimant.turn() is not None:
        pass
