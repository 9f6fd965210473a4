"""What is deleted, and what stays because something else needs it."""

from uuid import UUID

from django.db.models import Q

from headway.errors import StillNeeded
from headway.models import Run

from .announcing import announce_change
from .database import write
from .locks import lock_run
from .submissions import newest_of

__all__ = ["delete"]


def delete(run_id: UUID) -> bool:
    """Delete an ended run that no other retries, with all that belongs to it.

    Whether its files are free now: no run of its retry chain is left that was started with them. Under the run's
    lock, which a retry of it takes too. Raises RunNotFound, StillNeeded.
    """
    with write():
        run = lock_run(run_id)
        if later := newest_of(run):
            raise StillNeeded(run.pk, run.state, later.pk)
        root = run.root_id or run.pk
        Run.objects.filter(pk=run.pk).delete()
        announce_change(run.pk)
        return not Run.objects.filter(Q(root=root) | Q(pk=root)).exists()
