"""Runs brought into each state by hand, as a worker would bring them there."""

from typing import Any

from headway import runs
from headway.models import Part, Run
from headway.states import Want
from headway.store.parts import workers
from headway.store.runs import control
from headway.store.runs.control import Reason
from tests.app.driving import after_items, claim, counted, drive, expire, fresh, work

__all__ = ["begin", "finish", "go_on", "hear_of_a_worker", "hold", "limit", "stall"]

NUMBERS = "tests.write_ledger"


def begin(user: Any, operation: str = NUMBERS, **given: Any) -> Run:
    """A run that somebody has started and no worker has begun."""
    return runs.start(operation, given, user=user).run


def go_on(run: Run, items: int = 10) -> Run:
    """Visits of a worker, until so many more items are done; it is there afterwards too."""
    hear_of_a_worker()
    target = done(run) + items
    while (left := target - done(run)) > 0:
        work(claim(run), after_items(left))
    counted()
    return fresh(run)


def done(run: Run) -> int:
    return sum(part.processed for part in Part.objects.filter(run=run))


def hold(run: Run) -> Part:
    """A worker that has the run in hand, and does nothing for the moment."""
    return claim(run)


def stall(run: Run) -> Part:
    """A worker that has it in hand and isn't heard of any more; another is there."""
    hear_of_a_worker()
    part = claim(run)
    expire(part)
    return part


def finish(run: Run) -> Run:
    """All the rest of it."""
    drive(run)
    counted()
    return fresh(run)


def hear_of_a_worker() -> None:
    """There is one, busy with something else."""
    workers.beat("elsewhere", "somewhere", 1, 1)


def limit(run: Run) -> Run:
    """Its worker pauses it, since too much has failed."""
    text = "More than 10% of the items failed."
    control.halt(claim(run), Want.PAUSE, Reason("failure-limit", text))
    return fresh(run)
