"""A list of runs, page by page: a page begins behind the last run of the one before, even where that is deleted."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db.models import Q, QuerySet, Value
from django.db.models.functions import Cast

from headway.models import Run

CREATED = Run._meta.get_field("created_at")
TICK = timedelta(milliseconds=1)  # what SQLite keeps of a moment


def cursor_of(created_at: datetime, run_id: UUID) -> str:
    """What `behind` takes for the runs behind this one."""
    return f"{created_at.isoformat()}~{run_id}"


def behind(found: QuerySet[Run], cursor: str | None) -> QuerySet[Run]:
    """The runs behind this cursor, the newest first; all of them without one.

    Raises ValueError for a cursor that `cursor_of` never gave.

    An index leads to the tick behind the moment; from there the database passes over the few rows before the cursor.
    SQLite stores moments as texts, and "10:00:00" is less than "10:00:00.000": only `Cast` makes them alike, and no
    index has its values.
    """
    if cursor is not None:
        spelled, _, run_id = cursor.partition("~")
        moment = datetime.fromisoformat(spelled)
        if moment.tzinfo is None or moment.year in (1, 9999):  # the ends of time: no zone or tick leads over them
            raise ValueError(f"{spelled} is not a run's moment")
        exact = Cast(Value(moment.astimezone(UTC), CREATED), CREATED)
        later = Q(alike__lt=exact) | Q(alike=exact, id__gt=UUID(run_id))
        found = found.alias(alike=Cast("created_at", CREATED)).filter(later, created_at__lt=moment + TICK)
    return found.order_by("-created_at", "id")
