"""One item per transaction: where COMMIT refuses a chunk, and where an item may kill its worker."""

from django.db import IntegrityError

from headway.runner.tally import Tally
from headway.store.parts import checkpoints

from .savepoints import WithSavepoints


class Singly(WithSavepoints):
    """A transaction for each item; when its COMMIT is refused, the item has failed."""

    refused: IntegrityError | None = None
    """With which COMMIT refused the item that comes next."""

    def advance(self, budget: float) -> Tally:
        if self.refused:
            error, self.refused = self.refused, None
            return self.commit.left_out(error)
        self.begin()
        try:
            return self.commit(self.with_savepoints, 0, most=1)
        except IntegrityError as error:
            self.refused = error
        self.feed.rewind()
        return Tally()

    def begin(self) -> None:
        """What comes before an item."""


class Careful(Singly):
    """The same, once it is on record that the item may be the one that kills."""

    def begin(self) -> None:
        part = self.work.part
        checkpoints.begin_item(part)
        part.seq += 1
        self.feed.prepare_one()
