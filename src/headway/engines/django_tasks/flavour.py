"""Django's tasks, or on Django 5.2 their backport: the same words under two names; and their queues."""

from collections.abc import Callable
from importlib import import_module
from typing import Any

from django import VERSION

from headway.conf import conf
from headway.engines import queues

NAME = "django.tasks" if VERSION >= (6, 0) else "django_tasks"


def task(*, backend: str, queue: str) -> Callable[[Callable[[str], str]], Any]:
    """Makes a task of a function. Raises ImportError, and what the backend refuses."""
    made: Callable[[Callable[[str], str]], Any] = import_module(NAME).task(backend=backend, queue_name=queue)
    return made


def backends() -> Any:
    """The project's backends, by alias. Raises ImportError where neither package is there."""
    return import_module(NAME).task_backends


def without_worker() -> tuple[type, ...]:
    """The backends that hand nothing to another process: one runs tasks at once, one never."""
    immediate, dummy = (import_module(f"{NAME}.backends.{name}") for name in ("immediate", "dummy"))
    return immediate.ImmediateBackend, dummy.DummyBackend


def is_ready(result: Any) -> bool | None:
    """Whether the task of which `enqueue` gave this still lies in its queue; None where the backend can't say."""
    backend = backends()[result.backend]
    if not backend.supports_get_result:
        return None
    try:
        return bool(backend.get_result(result.id).status == "READY")
    except import_module(f"{NAME}.exceptions").TaskResultDoesNotExist:
        return False


def queue_for(declared: str) -> str:
    """The backend's queue for operations that declare this one: their own where it has that, else the one for all."""
    wanted = conf()
    return declared if declared in backends()[wanted.tasks_backend].queues else wanted.tasks_queue


def claimed_from(queue: str) -> list[str]:
    """The declared queues whose tasks go to this one of the backend, so that a worker of it claims for no other."""
    return [declared for declared in queues.every() if queue_for(declared) == queue]
