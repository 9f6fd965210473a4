"""Which queue an operation's parts belong to, and which parts a worker of certain queues may claim.

The default queue also has the operations that no code declares (any more), so that none is left without a worker.
"""

from collections.abc import Callable, Collection

from django.db.models import Q

from headway.operations import registry
from headway.operations.base import Operation

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
