"""An operation's instance, for a unit test of one of its methods."""

from typing import Any
from uuid import uuid4

from headway.operations import params, registry
from headway.operations.base import Operation
from headway.operations.context import Context, RunView
from headway.operations.effects import Effects
from headway.states import Counts


def instance(operation: type[Operation] | str, given: dict[str, Any] | None = None, *, user: Any = None) -> Operation:
    """The operation as a worker makes it, with these parameters, for a call of its `process` or `items` by hand.

    Writes nothing: what `say`, `write` and `add` take is judged and goes nowhere, and `run` has a new id and no items.
    Raises UnknownOperation, and InvalidParams where the form refuses the parameters.
    """
    declared = registry.get(operation) if isinstance(operation, str) else operation
    run = RunView(uuid4(), retry_of=None, dry_run=False, counts=Counts)
    cleaned = params.Params(params.clean(declared.form, given or {}, user))
    made = declared(Context(params=cleaned, user=user, run=run))
    if declared.is_outside():
        made._effects = Effects(run.id, "0")
    return made
