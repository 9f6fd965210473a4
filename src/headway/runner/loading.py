"""From a run's row to its operation, ready to work."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.utils.functional import SimpleLazyObject

from headway.models import Run
from headway.operations import params, registry
from headway.operations.base import Operation
from headway.operations.context import Context
from headway.operations.sources import Source
from headway.states import Counts
from headway.store.endings import counts_of
from headway.store.selections import RunSelections

__all__ = ["load", "source_of"]


class View:
    """The run, as its own operation sees it."""

    def __init__(self, run: Run) -> None:
        self.id: UUID = run.pk
        self.retry_of: UUID | None = run.retry_of_id

    def counts(self) -> Counts:
        """The items that have ended so far, over all parts."""
        return counts_of(self.id)


def load(run: Run, say: Callable[[str], None]) -> Operation:
    """The run's operation with its decoded parameters. Raises UnknownOperation, LookupError."""
    return registry.get(run.operation)(
        Context(
            params=params.decode(run.params),
            user=SimpleLazyObject(lambda: run.started_by) if run.started_by_id else None,
            run=View(run),
            say=say,
        )
    )


def source_of(operation: Operation, run: Run) -> Source[Any]:
    """The operation's source, attached to the run. Raises TypeError when `items` gave something else."""
    source: Any = operation.items()
    if not isinstance(source, Source):
        raise TypeError(
            f"{operation.name}: items() must return a source, such as sources.csv(…) or sources.queryset(…), "
            f"not {type(source).__name__}."
        )
    # A chain of retries has one selection, its first run's: the others take up ranges of it.
    source.attach(RunSelections(run.root_id or run.pk))
    return source
