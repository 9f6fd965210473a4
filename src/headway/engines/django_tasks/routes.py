"""Which of the backend's queues an operation's tasks go to: its own where the backend has it, else the one for all."""

from headway.conf import conf
from headway.engines import queues

from . import flavour


def of(declared: str) -> str:
    """The backend's queue for operations that declare this one."""
    wanted = conf()
    there = flavour.backends()[wanted.tasks_backend].queues
    return declared if declared in there else wanted.tasks_queue


def claimed_from(queue: str) -> list[str]:
    """The declared queues whose tasks go to this one of the backend, so that a worker of it claims for no other."""
    return [declared for declared in queues.every() if of(declared) == queue]
