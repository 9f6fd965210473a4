"""Which queue an operation's parts belong to, which parts a worker of certain queues may claim, and rings for what has
been due for a while in a queue: its doorbell was lost, its owner has died, its time has come.

The default queue also has the operations that no code declares (any more), so that none is left without a worker.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable

from django.db.models import Q

from headway.operations import registry
from headway.operations.base import Operation
from headway.store.parts.candidates import due_parts

from .engine import MOST, chosen

DEFAULT = Operation.queue


def of(operation: str) -> str:
    """The queue of the operation of this name."""
    declared = registry.find(operation)
    return declared.queue if declared else DEFAULT


def every() -> list[str]:
    """All queues that there are, the default one first."""
    others = {operation.queue for operation in registry.every()} - {DEFAULT}
    return [DEFAULT, *sorted(others)]


def among(queues: Collection[str]) -> Q | None:
    """What is true of the parts of these queues; None where that is every part, so that nothing need be joined."""
    if set(every()) <= set(queues):
        return None
    if DEFAULT not in queues:
        return Q(run__operation__in=names(lambda queue: queue in queues))
    return ~Q(run__operation__in=names(lambda queue: queue not in queues))


def names(are_meant: Callable[[str], bool]) -> list[str]:
    """Every name under which runs of these queues' operations are stored."""
    return [name for operation in registry.every() if are_meant(operation.queue) for name in operation.names()]


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
    parts = due_parts().filter(among([queue]) or Q())
    return Counter(parts.values_list("run__operation", flat=True)[:MOST])
