"""Which feed a part's chunks have, by its operation and its source."""

from headway.operations.sources.table import TableSource

from .feed import Ahead, Feed, Keys, Rows
from .flight import Flight
from .in_hand import Work
from .prepared_feed import Ready
from .preparing import preparing


def feed_for(work: Work) -> Feed:
    """What the part's chunks are fed with."""
    if work.operation.is_outside():
        return Flight(work)
    if (beforehand := preparing(work)) is not None:
        return Ready(work, beforehand)
    if isinstance(work.source, TableSource) and work.source.gives_keys:
        return Keys(work)
    return Rows(work) if work.source.may_change else Ahead(work)
