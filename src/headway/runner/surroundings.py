"""What holds in each thread that works on a part, and how such a thread is begun."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from threading import Thread

from django.db import connections
from django.utils import timezone, translation

from headway.models import Part
from headway.tracing import at_work_on


@contextmanager
def surroundings(part: Part) -> Iterator[None]:
    """The language of the run's starter, the project's time zone, and the ids that its lines in the log get."""
    with at_work_on(part.run_id, part.pk), translation.override(part.run.language), timezone.override(None):
        yield


def begin_thread(name: str, part: Part, serve: Callable[[], None]) -> None:
    """A thread that works on this part, with this one's context variables, so with its trace, and with connections of
    its own. As a daemon, it keeps no worker from going."""

    def live() -> None:
        try:
            with surroundings(part):
                serve()
        finally:
            connections.close_all()

    Thread(target=copy_context().run, args=[live], name=name, daemon=True).start()
