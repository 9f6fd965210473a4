"""Items that others add on the way: which keys a run knows of, and which of them a part is still to do.

What a part's items add is a list that only grows, written in its chunks; later passes read it in the order of its ids.
A chain of retries has one memory, its first run's.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from django.db import connection

from headway.database import as_table
from headway.models import Discovery, Part, Run

AT_ONCE = 5_000  # keys in a statement

INSERT = """
INSERT INTO {table} (run_id, part_id, key) SELECT %s, %s, value FROM ({given}) AS given WHERE true
ON CONFLICT (run_id, key) DO NOTHING
"""


def note(run: Run, part: Part | None, keys: Iterable[str]) -> int:
    """The part's items have added these keys (None: they lie in the run's ranges); gives how many the run, and those
    that it retries, didn't know yet. In the chunk's transaction.

    Where two parts add the same key at once, the second waits for the first one's commit; so the keys of a chunk must
    come in order, or two could wait for each other.
    """
    table = connection.ops.quote_name(Discovery._meta.db_table)
    root = Discovery._meta.get_field("run").target_field.get_db_prep_value(run.root_id or run.pk, connection)
    adder, left, new = None if part is None else part.pk, iter(keys), 0
    with connection.cursor() as cursor:
        while some := list(islice(left, AT_ONCE)):
            given, texts = as_table(some, connection.alias)
            cursor.execute(INSERT.format(table=table, given=given), [root, adder, texts])
            new += cursor.rowcount
    return new


def next_of(part_id: int, after: int, limit: int) -> list[tuple[int, str]]:
    """(id, key) of what the part's items have added, behind the id `after`, in order."""
    found = Discovery.objects.filter(part=part_id, id__gt=after).order_by("id")
    return list(found.values_list("id", "key")[:limit])


def count(part_id: int, after: int) -> int:
    """How many that are."""
    return Discovery.objects.filter(part=part_id, id__gt=after).count()


def is_left(part: Part) -> bool:
    """Whether the part is still to do something that was added. Costs nothing where nothing ever was."""
    return bool(part.added) and bool(next_of(part.pk, behind(part), 1))


def behind(part: Part) -> int:
    """The id of the last that is done. A cursor of a later pass is [an outcome's id, attempts so far, this one]."""
    cursor: Any = part.cursor
    return int(cursor[2]) if part.phase and cursor and len(cursor) > 2 else 0


def start_of_pass(part: Part) -> Sequence[int] | None:
    """The cursor with which the part's next pass begins: at the first of what is to be tried again, but not at what was
    added and is done."""
    done = behind(part)
    return [0, 0, done] if done else None
