"""A pool that Headway doesn't know."""

from celery.concurrency import solo

__all__ = ["TaskPool"]


class TaskPool(solo.TaskPool):
    """Nearly the ordinary one."""
