"""The results that are kept: a row for each item, but one statement for each chunk.

Django makes a row of a model in a tenth of a millisecond, and a chunk may have four thousand.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db import connection

from headway.models import ItemOutcome, ItemState, Part

from .outcomes import storable


class Result(NamedTuple):
    """What an item that has succeeded leaves."""

    key: str
    label: str
    value: str
    """What `process` returned, in JSON."""


# A key that is there already is told anew, as everywhere: the last run of its item counts.
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
