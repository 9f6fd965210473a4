"""Whether an item has left anything behind that would have to be undone."""

from collections.abc import Callable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from headway.store.database import is_broken

__all__ = ["Guard"]

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


class Guard:
    """Counts what an item may leave behind in the chunk's transaction: statements that write, and on_commit hooks.

    An item that raises Reject before it has written anything costs no rollback and no savepoint.
    """

    def __init__(self) -> None:
        self.writes = 0
        # Looked up once: Django's proxy would cost each item a microsecond.
        self.connection: BaseDatabaseWrapper = connections[DEFAULT_DB_ALIAS]

    def __call__(self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]) -> Any:
        # Anything but a plain SELECT counts, a SAVEPOINT too. What it can't see, `Reject` says.
        if not isinstance(sql, str) or sql[:6] not in ("SELECT", "select"):
            self.writes += 1
        return execute(sql, params, many, context)

    def mark(self) -> tuple[int, int]:
        """Where an item begins."""
        return self.writes, len(self.connection.run_on_commit)

    def is_clean(self, mark: tuple[int, int]) -> bool:
        """Whether nothing has been left behind since then, and the transaction is still good."""
        return self.mark() == mark and not is_broken()
