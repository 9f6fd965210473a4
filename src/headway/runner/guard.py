"""What an item's statements tell: whether it has left anything to undo, and whether others' items are old by now."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Field, Model
from django.db.models.options import Options

from headway.database import is_broken

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]

READ = re.compile(r'\b(?:FROM|JOIN)\s+["`]?(\w+)', re.IGNORECASE)
WRITTEN = re.compile(r'\s*(?:UPDATE|DELETE\s+FROM|(INSERT)\s+INTO)\s+["`]?(\w+)', re.IGNORECASE)
OF_THE_TRANSACTION = ("SAVEPOINT ", "RELEASE SAVEPOINT ", "ROLLBACK TO SAVEPOINT ")
HARMLESS = re.compile(r"\s*(?:SELECT|SET|SHOW)\b", re.IGNORECASE)
MOST_MEANINGS = 200  # statements; texts that are always others must not fill the memory
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
        self.meanings: dict[tuple[str, type], Meaning] = {}
        self.earlier: list[Meaning] = []
        """Those that were forgotten, one for each table."""
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
        known = (sql, self.row.__class__)
        if known not in self.meanings:
            if len(self.meanings) >= MOST_MEANINGS:
                self.forget()
            self.meanings[known] = meaning_of(sql, self.row, self.connection)
        meaning = self.meanings[known]
        self.session_changed |= meaning.of_session
        if self.tables and not self.stale and (meaning.table is None or meaning.table in self.tables):
            self.stale = not meaning.harmless and (many or not self.is_own_row(meaning, params))

    def forget(self) -> None:
        """Forget the statements, but not where they wrote."""
        self.earlier = [Meaning(table, harmless=not changed) for table, changed in self.written().items()]
        self.meanings.clear()

    def written(self) -> dict[str | None, bool]:
        """The tables that items have written to so far, and whether rows that were there may have changed."""
        found: dict[str | None, bool] = {}
        for meaning in [*self.earlier, *self.meanings.values()]:
            if not (meaning.table is None and meaning.harmless):
                found[meaning.table] = found.get(meaning.table, False) or not meaning.harmless
        return found

    def is_own_row(self, meaning: "Meaning", params: Any) -> bool:
        """Whether the statement can concern no other row than the item in hand."""
        if self.row is None or meaning.key is None:
            return False
        given = params[meaning.position]
        return bool(given == self.row.pk or given == meaning.key.get_db_prep_value(self.row.pk, self.connection))


@dataclass(frozen=True)
class Meaning:
    """What a statement that writes means; kept, since an operation says the same few again and again."""

    table: str | None
    """Where it writes; None: not known."""
    harmless: bool = False
    """Whether it changes no row that is there."""
    of_session: bool = False
    """Whether it sets something that outlasts the transaction."""
    key: "Field[Any, Any] | None" = None
    """The key of the item's own row, if its condition names that row alone."""
    position: int = 0
    """Where among the parameters that key stands."""


def meaning_of(sql: str, row: Model | None, connection: BaseDatabaseWrapper) -> Meaning:
    """What the statement means while this item, or another of its class, is in hand."""
    written = WRITTEN.match(sql)
    if written is None:
        # Anything else may have written anything.
        return Meaning(None, harmless=HARMLESS.match(sql) is not None, of_session=SESSION.match(sql) is not None)
    table = written[2]
    if written[1]:
        return Meaning(table, harmless="ON CONFLICT" not in sql and "ON DUPLICATE" not in sql)
    before, _, where = sql.partition(" WHERE ")
    metas = [] if row is None or " OR " in where or "NOT " in where else metas_of(row)
    for key in (meta.pk for meta in metas if meta.db_table == table):
        column = f"{connection.ops.quote_name(table)}.{connection.ops.quote_name(key.column or '')}"
        for condition in (f"{column} = %s", f"{column} IN (%s)"):
            if condition in where:
                return Meaning(table, key=key, position=(before + where.partition(condition)[0]).count("%s"))
    return Meaning(table)


def metas_of(row: Model) -> "list[Options[Any]]":
    """Of the models whose tables hold a part of the row: several in multi-table inheritance."""
    return [row._meta, *(parent._meta for parent in row._meta.get_parent_list())]
