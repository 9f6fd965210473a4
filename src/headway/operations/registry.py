"""Which operations there are, by name. Filled as their classes are made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from headway.errors import DeclarationError, UnknownOperation

if TYPE_CHECKING:
    from .base import Operation

__all__ = ["add", "every", "get"]

by_name: dict[str, type[Operation]] = {}


def add(operation: type[Operation]) -> None:
    """Register a class under its name. Raises DeclarationError when another class has the name already."""
    there = by_name.get(operation.name)
    if there and (there.__module__, there.__qualname__) != (operation.__module__, operation.__qualname__):
        raise DeclarationError(
            f"Two operations are called {operation.name!r}: {there.__module__}.{there.__qualname__} and "
            f"{operation.__module__}.{operation.__qualname__}. Rename one, or give it a `name` of its own."
        )
    by_name[operation.name] = operation


def get(name: str) -> type[Operation]:
    """The operation of this name. Raises UnknownOperation."""
    try:
        return by_name[name]
    except KeyError:
        raise UnknownOperation(name, by_name) from None


def every() -> list[type[Operation]]:
    """All operations, by name."""
    return [by_name[name] for name in sorted(by_name)]
