"""What is written down of a run: what became of its items, and its log."""

from uuid import UUID

from django.db.models import QuerySet

from headway.models import ItemOutcome, ItemState, LogLine, Run
from headway.store.parts import outcomes as written
from headway.store.parts.output import lines_of

from .access import there


def outcomes(
    run: Run | UUID | str, state: str = ItemState.FAILED, code: str | None = None, after: int = 0
) -> QuerySet[ItemOutcome]:
    """The run's items that ended as `state` (with this `code`), behind the outcome with the id `after`, in the order of
    their ids. By an index, so that the last page costs what the first does. Raises RunNotFound.
    """
    return written.outcomes(there(run), state, code, after)


def log(run: Run | UUID | str) -> list[LogLine]:
    """The last lines of the run, the oldest first. Raises RunNotFound."""
    return lines_of(there(run))
