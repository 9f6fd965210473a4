"""Whether an item has left anything behind that would have to be undone."""

from collections.abc import Callable
from typing import Any

from django.db import connection

__all__ = ["Guard", "keep_going_after_hooks"]

Execute = Callable[[str, Any, bool, dict[str, Any]], Any]


class Guard:
    """Counts what an item may leave behind in the chunk's transaction: statements that write, and on_commit hooks.

    An item that raises Reject before it has written anything costs no rollback and no savepoint.
    """

    def __init__(self) -> None:
        self.writes = 0

    def __call__(self, execute: Execute, sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        # Anything but a plain SELECT counts, a SAVEPOINT too; wrong only in the safe direction.
        if sql[:6] not in ("SELECT", "select"):
            self.writes += 1
        return execute(sql, params, many, context)

    def mark(self) -> tuple[int, int]:
        """Where an item begins."""
        return self.writes, len(connection.run_on_commit)

    def is_clean(self, mark: tuple[int, int]) -> bool:
        """Whether nothing has been left behind since then, and the transaction is still good."""
        return not connection.needs_rollback and self.mark() == mark


def keep_going_after_hooks() -> None:
    """Before COMMIT: let one failing on_commit hook be logged, and the others still run.

    Otherwise one item's failing mail would silently lose the mails of all items behind it in the chunk: Django drops
    the rest of the queue. The effects are committed by then, so no item can be blamed.
    """
    queue: Any = connection  # run_on_commit holds (savepoints, hook, robust), whatever the stubs say
    queue.run_on_commit = [(savepoints, hook, True) for savepoints, hook, _robust in queue.run_on_commit]
