"""Rings for what is due and has been waiting: its doorbell was lost, its owner has died, its time has come."""

from collections import Counter
from collections.abc import Iterable

from django.db.models import Q

from headway.store.parts.candidates import due_parts

from . import queues
from .engine import MOST, chosen


def reap(queue_names: Iterable[str]) -> int:
    """Ring once for each part of these queues that is due, less what rings there already; gives for how many.

    Raises the database's errors, and the engine's.
    """
    engine, rung = chosen(), 0
    lacking = {queue: found for queue in queue_names if (found := due(queue))}
    waiting = {queue: engine.waiting(queue) for queue in lacking}  # before any is rung: they may share one queue
    for queue, found in lacking.items():
        room = found.total() - waiting[queue]
        for operation, parts in found.items():
            if (times := min(parts, room)) > 0:
                engine.ring(operation, times)
                room -= times
                rung += times
    return rung


def due(queue: str) -> Counter[str]:
    """How many parts of each operation of this queue are due; no more are counted than are rung for."""
    parts = due_parts().filter(queues.among([queue]) or Q())
    return Counter(parts.values_list("run__operation", flat=True)[:MOST])
