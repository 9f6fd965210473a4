"""Django's own tasks as a doorbell: whatever worker the project has for them claims parts and advances them.

A task row says nothing but "ask what is due". So it may be lost, run twice or stay "running" for ever. The backport is
an extra: it is imported by whoever rings, counts or works.
"""

from django.core.checks import CheckMessage

from headway.engines.engine import Engine

from . import checks

__all__ = ["DjangoTasks"]


class DjangoTasks(Engine):
    """Django's tasks, or their backport, with whatever worker the project has for them."""

    def ring(self, operation: str, times: int) -> None:
        from . import doorbell

        doorbell.ring(operation, times)

    def waiting(self, queue: str) -> int:
        from . import doorbell

        return doorbell.waiting(queue)

    def faults(self) -> list[CheckMessage]:
        return checks.faults_of_project()
