"""Writing down what became of single items, and keeping the results of those that succeeded."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.db.models.functions import Left

from headway.database import NowMs
from headway.models import ItemOutcome, ItemState, Part, Run

LONGEST_TEXT, LONGEST_DETAIL = 2_000, 20_000
AT_ONCE = 500  # ids in a statement
LOOKED_AT = 10_000  # failed items, for examples: never read for all of a million


@dataclass(frozen=True)
class Outcome:
    """How one item ended, if it didn't succeed; or that it is to be tried again."""

    key: str
    state: ItemState
    code: str
    text: str
    label: str
    detail: str = ""
    attempts: int = 0
    retry_after: float | None = None
    """Seconds from now."""
    effects: Sequence[str] = ()
    """The names of those outside that have gone out."""


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
                attempts=outcome.attempts,
                effects=list(outcome.effects) or None,
                retry_at=None if outcome.retry_after is None else NowMs() + round(outcome.retry_after * 1000),
                value=None,
            )
            for outcome in by_key.values()
        ],
        update_conflicts=True,
        unique_fields=["run", "key"],
        update_fields=["part", "state", "code", "text", "detail", "label", "attempts", "effects", "retry_at", "value"],
        batch_size=500,
    )


def forget(ids: Sequence[int]) -> None:
    """Delete what was written down of items that have been done again since, in the chunk's transaction."""
    for start in range(0, len(ids), AT_ONCE):
        ItemOutcome.objects.filter(id__in=ids[start : start + AT_ONCE]).delete()


def retrying_keys(part: Part, after: int, limit: int) -> list[tuple[int, int, str, str]]:
    """(id, attempts, key, label) of what the part is to try again and may by now, above the id `after`, in order."""
    due = ItemOutcome.objects.filter(part=part.pk, state=ItemState.RETRYING, id__gt=after, retry_at__lte=NowMs())
    return list(due.order_by("id").values_list("id", "attempts", "key", "label")[:limit])


def storable(text: str, length: int) -> str:
    """Text that every database takes: no NUL, no half of a surrogate pair, not longer than `length`."""
    return text[:length].replace("\x00", "\ufffd").encode("utf-8", "replace").decode()


def outcomes(
    run: Run | UUID, state: str = ItemState.FAILED, code: str | None = None, after: int = 0
) -> QuerySet[ItemOutcome]:
    """See `runs.outcomes`."""
    found = ItemOutcome.objects.filter(run=run, state=state, id__gt=after).order_by("id")
    return found.filter(code=code) if code else found


def examples(run_id: UUID) -> dict[str, ItemOutcome]:
    """Of each code the first failed item with the most frequent kind of error. Two statements; a code that came late in
    a long list has none."""
    first: dict[tuple[str, str], int] = {}
    seen: Counter[tuple[str, str]] = Counter()
    for code, item, detail in outcomes(run_id).values_list("code", "id", Left("detail", 80))[:LOOKED_AT]:
        kind = code, detail.partition(":")[0]
        first.setdefault(kind, item)
        seen[kind] += 1
    chosen = {kind[0]: first[kind] for kind, _ in reversed(seen.most_common())}
    return {item.code: item for item in ItemOutcome.objects.filter(id__in=chosen.values())}


def has_failed_by(part: Part, code: str, kind: str) -> bool:
    """Whether an item of the part that is written down has failed with this code, by an error of this kind."""
    return outcomes(part.run_id, code=code).filter(part=part.pk, detail__startswith=f"{kind}: ").exists()


class Result(NamedTuple):
    """What an item that has succeeded leaves."""

    key: str
    label: str
    value: str
    """What `process` returned, in JSON."""


# A row for each item, but one statement for each chunk, which may have four thousand: Django makes a row of a model in
# a tenth of a millisecond. A key that is there already is told anew, as everywhere: the last run of its item counts.
INSERT = """
INSERT INTO {table} (run_id, part_id, state, code, text, detail, attempts, key, label, value)
SELECT {run}, {part}, '{state}', '', '', '', 0, key, label, value FROM ({rows}) AS given WHERE true ORDER BY place
ON CONFLICT (run_id, key) DO UPDATE SET part_id = excluded.part_id, state = excluded.state, code = '', text = '',
detail = '', attempts = 0, effects = NULL, retry_at = NULL, label = excluded.label, value = excluded.value
"""
# Each database takes many rows as one parameter in a way of its own.
ROWS = {
    "sqlite": "SELECT key AS place, json_extract(value, '$[0]') AS key, json_extract(value, '$[1]') AS label, "
    "json_extract(value, '$[2]') AS value FROM json_each(%s)",
    "postgresql": "SELECT place, key, label, value::jsonb AS value FROM "
    "unnest(%s::text[], %s::text[], %s::text[]) WITH ORDINALITY AS given(key, label, value, place)",
}


def record_results(part: Part, results: Sequence[Result]) -> None:
    """Write them down, in the chunk's transaction."""
    if not results:
        return
    # PostgreSQL refuses the same row twice in one statement.
    rows = list({result.key: result._replace(label=storable(result.label, 255)) for result in results}.values())
    names = {"table": connection.ops.quote_name(ItemOutcome._meta.db_table), "state": ItemState.SUCCEEDED}
    sql = INSERT.format(**names, run="%s", part="%s", rows=ROWS[connection.vendor])
    run = ItemOutcome._meta.get_field("run").target_field.get_db_prep_value(part.run_id, connection)
    with connection.cursor() as cursor:
        cursor.execute(sql, [run, part.pk, *parameters(rows)])


def parameters(rows: Sequence[Result]) -> list[Any]:
    """The rows, as the connection's database takes them."""
    if connection.vendor == "sqlite":
        return [json.dumps(rows)]
    return [list(column) for column in zip(*rows, strict=True)]
