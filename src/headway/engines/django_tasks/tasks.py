"""The one task: it claims whatever should go next, advances it for a slice, and rings again."""

import itertools
import logging
import time

from headway import database, runner
from headway.conf import conf
from headway.engines.claimant import Claimant
from headway.engines.doorbell import ring
from headway.store.parts import leases

from . import routes, stopping, watch
from .flavour import task

__all__ = ["advance"]

log = logging.getLogger(__name__)

picks = itertools.count()


@task(backend=conf().tasks_backend, queue=conf().tasks_queue)
def advance(queue: str) -> str:
    """A slice of what is due and rung for in this queue; gives, for people who look at it, what that came to."""
    worker = watch.here().worker
    with stopping.heard() as stop:
        claimant = Claimant(
            worker,
            should_stop=stop.is_wanted,
            wait=time.sleep,
            picks=next(picks),
            queue_names=routes.claimed_from(queue),
        )
        try:
            turn = claimant.turn()
        except (KeyboardInterrupt, SystemExit):
            hand_over(worker)
            raise
        finally:
            database.forget()  # our session has a name and limits (PostgreSQL) that the project's tasks must not have
        if turn is None:
            return "nothing was due"
        part, ending = turn
        if ending is runner.Ending.GIVEN_BACK:
            ring(part.run.operation)
        return f"{part.run.operation} {part.run_id}: {ending.value}"


def hand_over(worker: str) -> None:
    """Asked a second time, the worker ends in the middle of an item. No item did that, so the next owner needn't be
    careful."""
    database.forget()
    if parts := leases.give_up_parts_of(worker, released=True):
        log.warning("worker=%s event=handed-over parts=%s", worker, parts)
