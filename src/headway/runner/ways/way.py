"""What all ways have in common: their shape, and how one item is done."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextvars import copy_context
from typing import Any

from headway.operations.base import Operation
from headway.operations.outcomes import Gone, Interruption, Reject, Skip, TryAgain, Unreadable
from headway.runner.commit import Commit
from headway.runner.feed import Feed
from headway.runner.in_hand import Work
from headway.runner.preparing import Prepared
from headway.runner.tally import Tally


class Way(ABC):
    """One way to do the next items of a part, and to commit what came of them. It lives as long as a slice."""

    def __init__(self, work: Work, feed: Feed, commit: Commit) -> None:
        self.work = work
        self.feed = feed
        self.commit = commit
        self.do_one = do_and_keep(work) if work.operation.keep_results else do

    careful: "type[Way] | None" = None
    """The way taken after its workers have died, if the usual careful one doesn't do."""

    @classmethod
    def fits(cls, operation: Operation) -> bool:
        """Whether the operation's items are done so."""
        return True

    def do(self, item: Any) -> None:
        """Do one item. As the function `do`; what `process` returned is kept where that is wanted."""
        self.do_one(self.work.operation, item)

    @abstractmethod
    def advance(self, budget: float) -> Tally:
        """Commit what `budget` seconds allow of what the feed gives, at least one item.

        None is done when the feed has ended, when the run is to stop, or when the chunk was rolled back for an item's
        sake: then the feed is rewound, and the next call goes about it otherwise. Raises Fenced, OperationError, and
        errors of the database that say nothing about an item.
        """

    def settle(self) -> None:  # noqa: B027  (most ways have nothing under way between two chunks)
        """End what is under way, as the part is about to be given back. Raises Fenced, and errors of the database."""


def do(operation: Operation, item: Any) -> Any:
    """Do one item, in a context of its own: what it activates (a language, a time zone) reaches no other.

    Gives what `process` returned. Raises its verdict, and whatever `process` or `prepare` raised.
    """
    kind = item.__class__
    if kind is Prepared:
        return copy_context().run(operation.process, item.item, item.future.result())
    if kind is Unreadable or kind is Gone:
        raise item
    return copy_context().run(operation.process, item)


def do_and_keep(work: Work) -> Callable[[Operation, Any], None]:
    """The same, and what `process` returned is kept. Raises NotKept where it can't be."""

    def do_one(operation: Operation, item: Any) -> None:
        work.keep(do(operation, item))

    return do_one


def is_harmless(error: Exception, item: Any) -> bool:
    """Whether the error came before anything was written, if no statement tells otherwise."""
    return isinstance(error, Reject | Skip | TryAgain | Interruption) or (
        isinstance(item, Prepared) and item.error is not None
    )
