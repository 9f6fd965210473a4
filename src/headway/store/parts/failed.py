"""The failed items of a run that a retry takes up: all but those of which a person has found out that they went out."""

from uuid import UUID

from django.db.models import QuerySet

from headway.models import ItemOutcome

from .flights import WENT_OUT
from .outcomes import outcomes


def failed(run_id: UUID, after: int) -> QuerySet[ItemOutcome]:
    """Those above the id `after`, in order."""
    return outcomes(run_id, after=after).exclude(code=WENT_OUT)


def failed_keys(run_id: UUID, after: int, last: int, limit: int) -> list[tuple[int, str, str]]:
    """(id, key, label) of the run's failed items above the id `after`, up to the id `last`, in order."""
    found = failed(run_id, after).filter(id__lte=last)
    return list(found.values_list("id", "key", "label")[:limit])


def failed_end(run_id: UUID, above: int, number: int) -> int | None:
    """The id of the failed item of that number above the id `above`; of the last one, if there are fewer."""
    ids = failed(run_id, above).values_list("id", flat=True)
    return ids[number - 1 : number].first() or ids.last()


def count_failed(run_id: UUID, above: int = 0, last: int | None = None) -> int:
    """How many of the run's items failed, above the id `above` and up to the id `last`."""
    found = failed(run_id, above)
    return (found if last is None else found.filter(id__lte=last)).count()
