"""Which operations there are, by name: those whose classes have been made."""

from headway.errors import UnknownOperation

from . import base
from .base import Operation

__all__ = ["every", "get"]


def get(name: str) -> type[Operation]:
    """The operation of this name. Raises UnknownOperation."""
    try:
        return base.by_name[name]
    except KeyError:
        raise UnknownOperation(name, base.by_name) from None


def every() -> list[type[Operation]]:
    """All operations, by name."""
    return [base.by_name[name] for name in sorted(base.by_name)]
