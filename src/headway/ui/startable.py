"""An operation as the pages name it."""

from dataclasses import dataclass

from headway.operations.base import Operation

__all__ = ["Startable"]


@dataclass(frozen=True)
class Startable:
    """Its words. (A template would call the class itself.)"""

    name: str
    title: str
    description: str

    @classmethod
    def of(cls, operation: type[Operation]) -> "Startable":
        """The words of this operation, in the language that is active."""
        return cls(operation.name, str(operation.title), operation.description())
