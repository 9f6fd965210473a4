"""On what this thread works, so that whatever it logs can be found by its run."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

current: ContextVar[dict[str, Any]] = ContextVar("headway_at_work")


@contextmanager
def at_work_on(run: UUID, part: int) -> Iterator[None]:
    """Inside, the thread works on this part of this run."""
    token = current.set({"run": str(run), "part": part})
    try:
        yield
    finally:
        current.reset(token)


def ids() -> dict[str, Any]:
    """`run` as text and `part`, a number; empty where the thread works on none."""
    return current.get({})
