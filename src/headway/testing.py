"""For a project's tests: what a worker would do, done in the test's own process."""

import time

from headway.database import NowMs
from headway.engines.claimant import Claimant
from headway.models import ItemOutcome, ItemState, Part, SharedRate

__all__ = ["drain", "end_waits"]


def drain(seconds: float = 60) -> None:
    """Do all that is due, of all operations and queues, until nothing is due any more or the seconds are over.

    Each item is done exactly as by a worker: in chunks, with checkpoints, outcomes and signals. What is due later (a
    part that waits, or an item that is to be tried again) isn't waited for: see `end_waits`. Raises errors of the
    database.
    """
    until = time.monotonic() + seconds
    claimant = Claimant("drain", should_stop=lambda: time.monotonic() >= until, wait=time.sleep)
    while time.monotonic() < until and claimant.turn() is not None:
        pass


def end_waits() -> None:
    """As if everything that any run waits for were over: what is due later is due now, for the next `drain`."""
    now = NowMs()
    ItemOutcome.objects.filter(state=ItemState.RETRYING).update(retry_at=now)
    Part.objects.filter(token=None, due__gt=now).update(due=now)
    SharedRate.objects.update(free_at=0)
