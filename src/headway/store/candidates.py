"""Which of the parts that are due should go on first.

Where many are due, each lane is read by its own index, and no further than needed: ten thousand that wait cost no more
than a hundred.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from headway.clock import NowMs
from headway.models import Lane, Part

from .statements import Rows, Union

__all__ = ["ANYBODYS", "Candidate", "Candidates", "due_parts"]

ENOUGH = 8  # so that workers who see the same list don't come away empty-handed

SHORT_FIRST = {Lane.INTERRUPTED: 0, Lane.INTERRUPTED_LONG: 0, Lane.FRESH: 1, Lane.OTHER: 2, Lane.LONG: 3}
LONG_FIRST = {Lane.LONG: 0, Lane.INTERRUPTED_LONG: 0, Lane.INTERRUPTED: 1, Lane.FRESH: 2, Lane.OTHER: 3}


@dataclass(frozen=True)
class Candidate:
    """A part that was due a moment ago, as it was then."""

    lane: int
    due: int
    id: int
    run_id: UUID
    kind: str
    token: int | None
    resumes: int

    def place(self, order: Mapping[Any, int]) -> tuple[int, int, int]:
        """By which the candidates are sorted."""
        return order[self.lane], self.due, self.id


class Candidates:
    """Of the parts for which `condition` is true, those that are due. To be made once, and asked often."""

    def __init__(self, condition: Q | None = None) -> None:
        def ask(*lanes: Lane) -> QuerySet[Any, Any]:
            columns = [column.name for column in fields(Candidate)]
            return due_parts(lanes).filter(condition or Q()).values_list(*columns)

        self.any = Rows(ask(*Lane)[: ENOUGH + 1])
        self.earliest_in_each_lane = Union([ask(lane).order_by("due", "id")[:ENOUGH] for lane in Lane])

    def first(self, pick: int) -> list[Candidate]:
        """A few, those first that should go first.

        `pick` counts a worker's claims: on odd ones the short and the interrupted go first, on even ones the long.
        """
        found = self.any()
        if len(found) > ENOUGH:
            found = self.earliest_in_each_lane()
        order = LONG_FIRST if pick % 2 == 0 else SHORT_FIRST
        return sorted((Candidate(*row) for row in found), key=lambda candidate: candidate.place(order))[:ENOUGH]


def due_parts(lanes: Collection[Lane] = tuple(Lane)) -> QuerySet[Part]:
    """The parts that can be claimed. Always by lanes, since the index of what is due begins with them."""
    return Part.objects.filter(lane__in=lanes, due__lte=NowMs())


ANYBODYS = Candidates()
