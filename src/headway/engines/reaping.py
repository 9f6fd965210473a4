"""Rings for what is due and has been waiting: its doorbell was lost, its owner has died, its time has come."""

from collections import Counter

from headway.store.candidates import due_parts

from . import doorbell, queues

__all__ = ["MOST", "due", "reap"]

MOST = 64  # bells at once: whoever is woken finds the rest


def reap(queue: str | None = None) -> int:
    """Ring once for each part that is due, of this queue or of all; gives how many, at most some dozens."""
    found = due(queue)
    for operation, times in found.items():
        doorbell.ring(operation, times)
    return found.total()


def due(queue: str | None = None) -> Counter[str]:
    """How many parts of each operation are due, of this queue or of all; no more are counted than are rung for."""
    parts = due_parts()
    if queue is not None and (ours := queues.among([queue])) is not None:
        parts = parts.filter(ours)
    return Counter(parts.values_list("run__operation", flat=True)[:MOST])
