"""Rings again for what is due and was not heard: a worker that is killed takes its ring with it."""

from headway.engines import queues
from headway.engines.reaping import reap

from . import routes, rung

__all__ = ["look"]


def look() -> int:
    """Ring for what is due, where no ring of ours lies in the queue already; gives for how many parts. Raises the
    database's errors."""
    rung_in = {declared: routes.of_queue(declared) for declared in queues.every()}
    quiet = {queue for queue in rung_in.values() if not rung.is_waiting(queue)}
    return sum(reap(declared) for declared, queue in rung_in.items() if queue in quiet)
