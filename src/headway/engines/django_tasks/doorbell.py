"""Rings by a task in the project's queue."""

from . import routes, rung
from .tasks import advance

__all__ = ["ring"]

LONGEST_PEAL = 64  # each ring is a row for most backends; what is beyond is rung for later


def ring(operation: str = "", times: int = 1) -> None:
    """Have as many as `times` workers claim something. Raises what the backend raises."""
    queue = routes.of(operation)
    for _ in range(min(times, LONGEST_PEAL)):
        rung.remember(queue, advance.using(queue_name=queue).enqueue(queue))
