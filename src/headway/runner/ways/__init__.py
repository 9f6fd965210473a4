"""The ways through a part's items: who does them, and in which transactions.

A new one is a class and its line in WAYS, before `Together`, which fits all.
"""

from headway.runner.commit import Commit
from headway.runner.feed import Feed
from headway.runner.in_hand import Work
from headway.runner.tally import Tally

from .outside import Outside
from .savepoints import Careful
from .set_based import SetBased
from .stepwise import Stepwise
from .together import Together
from .way import Way

__all__ = ["WAYS", "Way", "Ways"]

WAYS: list[type[Way]] = [Stepwise, Outside, SetBased, Together]
"""The first that fits an operation is taken; the last fits all."""


class Ways:
    """An operation's usual way, and the careful one after its workers have died."""

    def __init__(self, work: Work, feed: Feed, commit: Commit) -> None:
        self.part = work.part
        usual = next(way for way in WAYS if way.fits(work.operation))
        self.usual = usual(work, feed, commit)
        self.careful = (usual.careful or Careful)(work, feed, commit)

    def advance(self, budget: float) -> Tally:
        """As `Way.advance`."""
        return (self.careful if self.part.careful else self.usual).advance(budget)

    def settle(self) -> None:
        """As `Way.settle`."""
        self.usual.settle()
