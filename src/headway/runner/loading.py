"""From a run's row to its operation and its source, ready to work; what the source is divided into; and how the worker
tells what the operation's own code does wrong."""

from collections.abc import Callable, Mapping
from copy import copy
from functools import partial
from typing import Any, TypeVar

from django.utils.functional import SimpleLazyObject

from headway import database
from headway.errors import ChangedMeanwhile, Explained
from headway.models import Run
from headway.operations import params, registry
from headway.operations.base import Operation
from headway.operations.context import Context, RunView
from headway.operations.declarations import misfits
from headway.operations.sources import Source
from headway.operations.sources.given import source_given
from headway.operations.sources.table import TableSource
from headway.store.parts.outcomes import storable
from headway.store.parts.planning import Range
from headway.store.runs.endings import counts_of
from headway.store.starts.selections import RunSelections

T = TypeVar("T")


class OperationError(Exception):
    """The operation's own code (not an item) raised: its source, its hooks, its parameters."""


def ask(what: str, call: Callable[[], T]) -> T:
    """What the operation's own code gives. Raises OperationError for whatever it raises, but not for the database's
    faults."""
    try:
        return call()
    except Exception as error:
        if database.is_transient(error) or database.is_lost(error):
            raise
        raise OperationError(f"{what} {error}" if isinstance(error, Explained) else what) from error


class Misfit(Explained, TypeError):
    """The operation declares of its items what can't be had of the source that it gave."""


def not_here(name: str) -> Callable[[Any], None]:
    """`write` or `add`, where no item is in hand. Raises RuntimeError."""

    def refuse(given: Any) -> None:
        raise RuntimeError(
            f"{name}() belongs into `process` or `process_chunk`: only there it is stored with what the item does."
        )

    return refuse


write_nowhere, add_nowhere = not_here("write"), not_here("add")


def load(
    run: Run,
    say: Callable[[str], None],
    write: Callable[[str], None] = write_nowhere,
    add: Callable[[list[str]], None] = add_nowhere,
    fences: Mapping[str, int] | None = None,
) -> Operation:
    """The run's operation with its decoded parameters. Raises UnknownOperation, ChangedMeanwhile."""
    operation = registry.get(run.operation)
    if run.dry_run and not operation.has_dry_run():
        raise ChangedMeanwhile("It is a dry run, and what its operation does now can't be undone.")
    return operation(
        Context(
            params=params_of(run, operation),
            user=SimpleLazyObject(lambda: run.started_by) if run.started_by_id else None,
            run=RunView(run.pk, run.retry_of_id, run.dry_run, partial(counts_of, run.pk)),
            say=say,
            write=write,
            fences=fences or {},
            add=add,
        )
    )


def params_of(run: Run, operation: type[Operation]) -> params.Params:
    """What the run was started with, and what its form's later fields have by themselves. Raises ChangedMeanwhile."""
    given = params.decode(run.params)
    # A run that began before that was kept: which field is a later one can't be told.
    added = {} if run.form_fields is None else params.of_later_fields(operation.form, [*run.form_fields, *given])
    return params.Params(given | added)


def source_of(operation: Operation, run: Run) -> Source[Any]:
    """The operation's source, attached to the run: a copy, since a project may keep one for several runs. Raises
    TypeError when `items` gave what can't be one, and ChangedMeanwhile when the run began over other items.
    """
    source = copy(source_given(operation.items, operation.name))
    now = identity_of(source)
    if run.source and run.source != now:  # a run that isn't planned yet, or was before that was kept, says nothing
        raise ChangedMeanwhile(f"It began over {run.source}, but its items are {now or 'others'} now.")
    # A chain of retries has one selection, its first run's: the others take up ranges of it.
    source.attach(RunSelections(run.root_id or run.pk))
    return source


def as_declared(operation: Operation, source: Source[Any]) -> Source[Any]:
    """The source as the operation wants its items: locked, or in sets. Raises Misfit."""
    for why in misfits(type(operation), type(source)):
        raise Misfit(why)
    if isinstance(source, TableSource):
        source.gives_keys = operation.declares("process_chunk")
        if operation.lock_rows:
            source.lock()
    return source


def identity_of(source: Source[Any]) -> str:
    """What the source's items are of, as it is stored."""
    return storable(source.identity(), 255)


def ranges_of(source: Source[Any], parts: int) -> list[Range]:
    """What a new run is to read, in so many parts at most. Raises OperationError."""
    kind = type(source).__name__
    if parts > 1 and not source.can_split():
        raise OperationError(f"Its source, a {kind}, can't be split into {parts} parts: leave `parts` out.")
    bounds = ask("Its source can't be opened.", source.freeze)
    if parts == 1:
        return [Range(bounds)]
    split = ask(f"Its source can't be split into {parts} parts.", lambda: list(source.split(bounds, parts)))
    if not 1 <= len(split) <= parts:
        raise OperationError(f"Its source, a {kind}, has split into {len(split)} parts; asked for were 1 to {parts}.")
    return [Range(each) for each in split]
