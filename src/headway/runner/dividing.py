"""What a new run is to read, as its source divides it."""

from typing import Any

from headway.operations.sources import Source
from headway.store.parts.planning import Range

from .loading import OperationError, ask


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
