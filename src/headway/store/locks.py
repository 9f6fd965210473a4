"""The run's row lock, under which everything is decided that concerns more than one part."""

from uuid import UUID

from headway.errors import RunNotFound
from headway.models import Run

from .statements import First, Given

__all__ = ["lock_run"]


def lock_run(run_id: UUID) -> Run:
    """The run, locked until the end of the transaction. Raises RunNotFound.

    NO KEY: a chunk's outcomes refer to the run, and their foreign key is checked at COMMIT, while the chunk holds its
    part. Were the run's key locked, that would be the other order, and a deadlock.

    On SQLite the transaction itself is the lock, since it is IMMEDIATE.
    """
    run = LOCKED(id=run_id)
    if run is None:
        raise RunNotFound(run_id)
    return run


LOCKED = First(Run.objects.select_for_update(no_key=True).filter(pk=Given("id", Run)).order_by())
