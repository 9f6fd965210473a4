"""Writing down what became of single items, and reading the failed ones again for a retry."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from headway.models import ItemOutcome, ItemState, Part

__all__ = ["Outcome", "count_failed", "failed_end", "failed_keys", "record"]

LONGEST_TEXT = 2_000


@dataclass(frozen=True)
class Outcome:
    """How one item ended, if it didn't succeed."""

    key: str
    state: ItemState
    code: str
    text: str
    label: str
    detail: str = ""


def record(part: Part, outcomes: Sequence[Outcome]) -> None:
    """Write them down, in the chunk's transaction. A key that is there already is told anew: the last run counts."""
    by_key = {outcome.key: outcome for outcome in outcomes}  # PostgreSQL refuses the same row twice in one statement
    ItemOutcome.objects.bulk_create(
        [
            ItemOutcome(
                run_id=part.run_id,
                part_id=part.pk,
                key=outcome.key,
                state=outcome.state,
                code=outcome.code,
                text=storable(outcome.text, LONGEST_TEXT),
                detail=storable(outcome.detail, LONGEST_TEXT),
                label=storable(outcome.label, 255),
            )
            for outcome in by_key.values()
        ],
        update_conflicts=True,
        unique_fields=["run", "key"],
        update_fields=["part", "state", "code", "text", "detail", "label"],
        batch_size=500,
    )


def storable(text: str, length: int) -> str:
    """Text that every database takes: no NUL, no half of a surrogate pair, not longer than `length`."""
    return text[:length].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def failed_keys(run_id: UUID, after: int, last: int, limit: int) -> list[tuple[int, str, str]]:
    """(id, key, label) of the run's failed items above the id `after`, up to the id `last`, in order."""
    return list(
        ItemOutcome.objects.filter(run_id=run_id, state=ItemState.FAILED, id__gt=after, id__lte=last)
        .order_by("id")
        .values_list("id", "key", "label")[:limit]
    )


def failed_end(run_id: UUID, above: int, number: int) -> int | None:
    """The id of the failed item of that number above the id `above`; of the last one, if there are fewer."""
    within = ItemOutcome.objects.filter(run_id=run_id, state=ItemState.FAILED, id__gt=above)
    ids = within.values_list("id", flat=True)
    return ids.order_by("id")[number - 1 : number].first() or ids.order_by("-id").first()


def count_failed(run_id: UUID, above: int = 0, last: int | None = None) -> int:
    """How many of the run's items failed, above the id `above` and up to the id `last`."""
    failed = ItemOutcome.objects.filter(run_id=run_id, state=ItemState.FAILED, id__gt=above)
    return (failed if last is None else failed.filter(id__lte=last)).count()
