"""Whether Headway's tables are as this version needs them: asked once the database has refused, and by the commands."""

from django.db import OperationalError, ProgrammingError, connection
from django.db.migrations.executor import MigrationExecutor

from headway.database import is_lost, is_transient
from headway.errors import NotMigrated


def is_unmigrated() -> bool:
    """Whether a migration of Headway's isn't applied."""
    executor = MigrationExecutor(connection)
    newest = [leaf for leaf in executor.loader.graph.leaf_nodes() if leaf[0] == "headway"]
    return bool(executor.migration_plan(newest))


def is_for_want_of_migrations(error: BaseException) -> bool:
    """Whether the error says so, or the database has refused for that, as far as the connection can still be asked."""
    if isinstance(error, NotMigrated):
        return True
    is_refusal = isinstance(error, OperationalError | ProgrammingError) and not (is_lost(error) or is_transient(error))
    return is_refusal and not connection.in_atomic_block and is_unmigrated()
