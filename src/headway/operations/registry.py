"""Which operations there are, by name: those whose classes have been made."""

from headway.errors import UnknownOperation

from . import base
from .base import Operation

withheld: set[str] = set()
"""Names of operations that nobody is offered now, though their runs go on."""


def get(name: str) -> type[Operation]:
    """The operation that has this name, or had it. Raises UnknownOperation."""
    try:
        return base.by_name[name]
    except KeyError:
        raise UnknownOperation(name, (operation.name for operation in offered())) from None


def find(name: str) -> type[Operation] | None:
    """The same; None where this code has no such operation (any more)."""
    return base.by_name.get(name)


def every() -> list[type[Operation]]:
    """All operations, by name."""
    return [operation for name, operation in sorted(base.by_name.items()) if name == operation.name]


def offered() -> list[type[Operation]]:
    """Those that may be started, by name."""
    return [operation for operation in every() if operation.name not in withheld]


def names_of(name: str) -> tuple[str, ...]:
    """Every name that the operation of this name has had: its runs are stored under all of them."""
    return base.by_name[name].names() if name in base.by_name else (name,)


def current_name(name: str) -> str:
    """What the operation of this name is called now; the name itself, where this code doesn't have it any more."""
    return names_of(name)[-1]
