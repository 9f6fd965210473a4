"""Where a page of runs begins: behind a moment and an id, whether or not that run is still there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Self
from uuid import UUID

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Cast

from headway.models import Run

__all__ = ["Place", "behind"]

CREATED = Run._meta.get_field("created_at")
TICK = timedelta(milliseconds=1)  # what SQLite keeps of a moment


@dataclass(frozen=True)
class Place:
    """Behind the run of this moment and this id; all that is there was created before the edge."""

    moment: datetime
    edge: datetime
    run_id: UUID

    @classmethod
    def at(cls, moment: datetime, run_id: UUID) -> Self:
        """Raises ValueError for a moment without a zone, OverflowError for one at an end of all time."""
        if moment.tzinfo is None:
            raise ValueError(f"{moment} has no zone")
        exact = moment.astimezone(UTC)
        return cls(exact, exact + TICK, run_id)


def behind(found: QuerySet[Run], place: Place | None) -> QuerySet[Run]:
    """The runs behind this place, the newest first.

    An index leads to the edge, and the database passes over the few rows between there and the place itself. For to
    SQLite moments are texts, "10:00:00" before "10:00:00.000": only `Cast` makes them alike, which no index has.
    """
    if place is not None:
        moment = Cast(Value(place.moment, CREATED), CREATED)
        later = Q(alike__lt=moment) | Q(alike=moment, id__gt=place.run_id)
        found = found.alias(alike=Cast("created_at", CREATED)).filter(later, created_at__lt=place.edge)
    return found.order_by("-created_at", "id")
