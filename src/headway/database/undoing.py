"""Effects that are undone, once the database has judged them as COMMIT would."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import IntegrityError, connection, transaction

Written = Mapping[str | None, bool]
"""Tables that have been written to (None: one that isn't known), and whether rows that were there may have changed."""

VIOLATIONS = """
SELECT found.* FROM sqlite_master m, pragma_foreign_key_check(m.name) found
WHERE m.type = 'table' AND (%s OR m.name IN (SELECT value FROM json_each(%s)) OR EXISTS (
  SELECT 1 FROM pragma_foreign_key_list(m.name) k WHERE k."table" IN (SELECT value FROM json_each(%s))))
"""


@contextmanager
def undone(written: Callable[[], Written]) -> Iterator[None]:
    """A part of a transaction that is rolled back at its end, with its on_commit hooks.

    Raises IntegrityError where COMMIT would, for a deferred constraint. SQLite can't say so before COMMIT; there the
    foreign keys of the tables in question are gone through.
    """
    with transaction.atomic():
        yield
        tables = written()
        found = violations(tables) if tables else set()
        transaction.set_rollback(True)
    if found and found - violations(tables):  # not those that had been there before
        raise IntegrityError("FOREIGN KEY constraint failed")


def violations(written: Written) -> set[Any]:
    """The rows of these tables, and of those that refer to them, whose foreign keys lead nowhere (SQLite).

    Other databases raise IntegrityError instead.
    """
    if connection.vendor == "sqlite":
        touched, changed = list(written), [table for table, may_have_changed in written.items() if may_have_changed]
        with connection.cursor() as cursor:
            cursor.execute(VIOLATIONS, [None in written, json.dumps(touched), json.dumps(changed)])
            return set(cursor.fetchall())
    if connection.features.can_defer_constraint_checks:
        connection.check_constraints()
    return set()
