"""Django's tasks, or on Django 5.2 their backport: the same words under two names."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol, cast

from django import VERSION

NAME = "django.tasks" if VERSION >= (6, 0) else "django_tasks"


class Result(Protocol):
    """What is known of a task that has been put into the queue."""

    id: str
    backend: str


class Task(Protocol):
    """A function that another process is to call."""

    def using(self, *, queue_name: str) -> "Task":
        """The same, for another queue."""

    def enqueue(self, queue: str) -> Result:
        """Put it into the queue."""


def task(*, backend: str, queue: str) -> Callable[[Callable[[str], str]], Task]:
    """Makes a task of a function. Raises ImportError, and what the backend refuses."""
    made = import_module(NAME).task(backend=backend, queue_name=queue)
    return cast("Callable[[Callable[[str], str]], Task]", made)


def backends() -> Any:
    """The project's backends, by alias. Raises ImportError where neither package is there."""
    return import_module(NAME).task_backends


def without_worker() -> tuple[type, ...]:
    """The backends that hand nothing to another process: one runs tasks at once, one never."""
    immediate, dummy = (import_module(f"{NAME}.backends.{name}") for name in ("immediate", "dummy"))
    return immediate.ImmediateBackend, dummy.DummyBackend


def is_ready(result: Result) -> bool | None:
    """Whether the task still lies in its queue; None where the backend can't say."""
    backend = backends()[result.backend]
    if not backend.supports_get_result:
        return None
    try:
        return bool(backend.get_result(result.id).status == "READY")
    except import_module(f"{NAME}.exceptions").TaskResultDoesNotExist:
        return False
