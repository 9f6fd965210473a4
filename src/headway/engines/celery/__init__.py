"""Celery delivers: one task, which claims whatever should go next, advances it for a slice and rings again.

The message is a doorbell and carries no truth. Celery is an extra: it is imported where it is used.
"""

from django.core.checks import CheckMessage

from headway.engines import queues
from headway.engines.engine import Engine

from . import checks


class Celery(Engine):
    """The project's own Celery app and its workers."""

    worker = "celery -A PROJECT worker --queues headway"
    worker_note = "(a Celery worker without --queues headway doesn't hear it)"

    def ring(self, operation: str, times: int) -> None:
        from . import doorbell

        doorbell.publish(queues.of(operation), times)

    def waiting(self, queue: str) -> int:
        from . import doorbell

        return doorbell.waiting(queue)

    def faults(self) -> list[CheckMessage]:
        return checks.faults_of_project()
