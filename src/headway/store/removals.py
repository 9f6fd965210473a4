"""What is deleted, and what stays because something else needs it."""

from django.db.models import Q

from headway.models import Run

from .database import write

__all__ = ["delete"]


def delete(run: Run) -> bool:
    """Delete an ended run that no other retries, with all that belongs to it.

    Whether its files are free now: no run of its retry chain is left that was started with them.
    """
    root = run.root_id or run.pk
    with write():
        Run.objects.filter(pk=run.pk).delete()
        return not Run.objects.filter(Q(root=root) | Q(pk=root)).exists()
