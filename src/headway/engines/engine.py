"""What an engine is, which one the project has chosen (HEADWAY["ENGINE"]), and how that one is rung."""

from abc import ABC, abstractmethod
from functools import cache
from typing import Any

from django.core.checks import CheckMessage, Error
from django.utils.module_loading import import_string

from headway.conf import ENGINES, conf
from headway.fuse import Fuse
from headway.signals import parts_due

MOST = 64  # rings at once: the workers that are woken find the rest
fuse = Fuse("ring")  # a broker that is gone must not fail a start that is committed, nor hold each one up


class Engine(ABC):
    """What delivers: it wakes a worker for what is due, and the worker has a Claimant claim it.

    One of one's own is a subclass, and its dotted path in HEADWAY["ENGINE"]. Made without arguments, once a process, at
    the first need; so it may import what is an extra where it needs it.
    """

    worker = "a worker of your engine"
    """The command that starts a worker, as people are told it where none has been heard of."""
    worker_note = ""
    """What they are told behind it."""

    @abstractmethod
    def ring(self, operation: str, times: int) -> None:
        """Wake up to `times` of the workers of this operation. What it raises is logged: a ring may be lost."""

    def waiting(self, queue: str) -> int:
        """How many rings for operations of this queue no worker has heard yet: they stand for that many parts."""
        return 0

    def faults(self) -> list[CheckMessage]:
        """What is wrong with how the project is set up for it, as `manage.py check` tells it."""
        return []


def fault(number: str, text: str, hint: str) -> Error:
    """One of ours, as `faults` gives them."""
    return Error(text, hint=hint, id=f"headway.{number}")


def chosen() -> Engine:
    """The project's. Raises ImportError and TypeError where a path of its own leads to no engine."""
    return made(conf().engine)


def start_worker() -> str:
    """How a worker of the project's engine is started: the command, and what is to be known of it."""
    engine = chosen()
    return f"{engine.worker} {engine.worker_note}".strip()


@cache
def made(name: str) -> Engine:
    engine = import_string(ENGINES.get(name, name))
    if not (isinstance(engine, type) and issubclass(engine, Engine)):
        raise TypeError(f"{name} is no subclass of headway.engines.Engine.")
    return engine()


def connect() -> None:
    """From now on, ring whenever parts have become due."""
    parts_due.connect(on_parts_due, dispatch_uid="headway.engines")


def on_parts_due(sender: Any, operation: str, parts: int, **kwargs: Any) -> None:
    ring(operation, parts)


def ring(operation: str, times: int = 1) -> bool:
    """Wake up to `times` of the workers of this operation. Gives whether that went well; never raises."""

    def rings() -> bool:
        chosen().ring(operation, min(times, MOST))
        return True

    return fuse.attempt(rings) or False
