"""Which of the parts that are due should go on first: those that have been served least.

Each order is read by its own index, and no further than needed: ten thousand that wait cost no more than a hundred.
"""

from dataclasses import dataclass, fields
from functools import cache
from uuid import UUID

from django.db.models import F, Q, QuerySet

from headway.database import NowMs
from headway.database.statements import Rows
from headway.models import Part

ENOUGH = 8  # so that workers who see the same list don't come away empty-handed
BY_AGE_EVERY = 4  # picks: however many short runs come, no part waits for ever


@dataclass(frozen=True)
class Candidate:
    """A part that was due a moment ago, as it was then."""

    id: int
    run_id: UUID
    kind: str
    token: int | None
    resumes: int
    lacks_holds: bool


class Candidates:
    """Of the parts for which `condition` is true, those that are due."""

    def __init__(self, condition: Q) -> None:
        self.condition = condition
        columns = [column.name for column in fields(Candidate)]
        self.least_served = Rows(self.least_served_first().values_list(*columns)[:ENOUGH])
        oldest = due_parts().filter(self.condition).order_by("due", "id")
        self.longest_due = Rows(oldest.values_list(*columns)[:ENOUGH])

    def first(self, pick: int) -> list[Candidate]:
        """A few, those first that should go first: the interrupted, then the least served.

        `pick` counts a worker's claims: on every fourth those go first that have been due for longest.
        """
        return [Candidate(*row) for row in self.ordered(pick)()]

    def least_served_first(self) -> QuerySet[Part]:
        """Those that are due, in the order in which they should go on."""
        # `due + 0` can't be looked up in the index of `due`, for which a database might sort all that is due.
        ripe = Part.objects.alias(moment=F("due") + 0).filter(due__isnull=False, moment__lte=NowMs())
        return ripe.filter(self.condition).order_by("served_ms", "due", "id")

    def ordered(self, pick: int) -> Rows:
        """What is asked of the database for this pick."""
        return self.least_served if pick % BY_AGE_EVERY else self.longest_due


def due_parts() -> QuerySet[Part]:
    """The parts that can be claimed."""
    return Part.objects.filter(due__lte=NowMs())


@cache
def candidates(condition: Q | None) -> Candidates:
    """Those for which this is true (None: all); the same object each time, since its queries are compiled once."""
    return Candidates(condition or Q())


ANYBODYS = candidates(None)
