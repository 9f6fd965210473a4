"""What an item's statements tell: whether it has left anything to undo, and whether others' items are old by now."""

import re
from collections.abc import Callable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model
from django.db.models.options import Options

from headway.store.database import is_broken

__all__ = ["Guard"]

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]

READ = re.compile(r'\b(?:FROM|JOIN)\s+["`]?(\w+)', re.IGNORECASE)
WRITTEN = re.compile(r'\s*(?:UPDATE|DELETE\s+FROM|(INSERT)\s+INTO)\s+["`]?(\w+)', re.IGNORECASE)
OF_THE_TRANSACTION = ("SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT ")
HARMLESS = re.compile(r"\s*(?:SELECT|SET|SHOW)\b", re.IGNORECASE)
SESSION = re.compile(r"\s*SET\s+(?!LOCAL\b|CONSTRAINTS\b|TRANSACTION\b)", re.IGNORECASE)


class Guard:
    """Hears every statement of the chunk's transaction.

    An item that raises Reject before it has written anything costs no rollback and no savepoint. An item that has
    written to a table from which its neighbours were read, other than to its own row, makes them `stale`.
    """

    def __init__(self) -> None:
        self.writes = 0
        self.stale = False
        """Whether rows that were read before may have been changed in this transaction."""
        self.session_changed = False
        """Whether an item has set something that outlasts its transaction."""
        self.error: BaseException | None = None
        """What the run's own connection raised last."""
        self.reading = False
        """Whether the statements are the source's own."""
        self.row: Model | None = None
        """The item in hand, if it is a row."""
        self.tables: set[str] = set()
        # Looked up once: Django's proxy would cost each item a microsecond.
        self.connection: BaseDatabaseWrapper = connections[DEFAULT_DB_ALIAS]

    def __call__(self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        # Anything but a plain SELECT counts. What it can't see, `Reject` says.
        if isinstance(sql, str) and sql[:6] in ("SELECT", "select"):
            if self.reading:
                self.tables.update(READ.findall(sql))
        elif not (isinstance(sql, str) and sql.startswith(OF_THE_TRANSACTION)):
            self.writes += 1
            self.note(str(sql), params, many)
        try:
            return execute(sql, params, many, context)
        except Exception as error:
            self.error = error
            raise

    def is_own(self, error: BaseException) -> bool:
        """Whether the error came from the run's own connection, not from another one that an item has."""
        raw = self.connection.connection
        if raw is None or getattr(raw, "closed", False):
            return True
        seen: BaseException | None = error
        while seen is not None and seen is not self.error:
            seen = seen.__cause__ or seen.__context__
        return seen is not None

    def mark(self) -> tuple[int, int]:
        """Where an item begins."""
        return self.writes, len(self.connection.run_on_commit)

    def is_clean(self, mark: tuple[int, int]) -> bool:
        """Whether nothing has been left behind since then, and the transaction is still good."""
        return self.mark() == mark and not is_broken()

    def note(self, sql: str, params: Any, many: bool) -> None:
        """Take note of what a statement that writes means for the rows that were read before."""
        written = WRITTEN.match(sql)
        if written is None:
            self.session_changed |= SESSION.match(sql) is not None
            self.stale |= bool(self.tables) and HARMLESS.match(sql) is None  # it may have written anything
        elif written[2] in self.tables and not self.stale:
            is_new = bool(written[1]) and "ON CONFLICT" not in sql and "ON DUPLICATE" not in sql
            self.stale = not is_new and (many or not self.is_own_row(written[2], sql, params))

    def is_own_row(self, table: str, sql: str, params: Any) -> bool:
        """Whether the statement can concern no other row than the item in hand."""
        row = self.row
        if row is None:
            return False
        key = next((each.pk for each in (row._meta, *metas_of_parents(row)) if each.db_table == table), None)
        before, _, where = sql.partition(" WHERE ")
        if key is None or not key.column or " OR " in where or "NOT " in where:
            return False
        quoted = self.connection.ops.quote_name
        column = f"{quoted(table)}.{quoted(key.column)}"
        for condition in (f"{column} = %s", f"{column} IN (%s)"):
            if condition in where:
                position = before.count("%s") + where[: where.index(condition)].count("%s")
                return bool(params[position] == key.get_db_prep_value(row.pk, self.connection))
        return False


def metas_of_parents(row: Model) -> "list[Options[Any]]":
    """Of the models whose tables hold a part of the row, in multi-table inheritance."""
    return [parent._meta for parent in row._meta.get_parent_list()]
