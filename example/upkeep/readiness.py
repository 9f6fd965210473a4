"""Whether this web process can do what it is there for: take a start, and say how a run is.

It needs the database, as this code wants it, and the broker where Celery delivers. Workers are no part of it: without
them a start is taken all the same, and waits (/metrics tells how many there are).
"""

from collections.abc import Callable
from functools import cache

from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from headway.conf import conf

from .bounded import Bounded

__all__ = ["CHECKS", "LIMIT", "faults"]

LIMIT = 2.0  # s for each check; a probe waits longer than that
BROKER_LIMIT = 1.0  # s for a connection


class NotMigrated(Exception):
    """The database isn't as this code wants it."""


def ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@cache  # once it is so it stays so: this process's code doesn't change
def ask_migrations() -> None:
    executor = MigrationExecutor(connection)
    if missing := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise NotMigrated(f"{len(missing)} migrations aren't applied: run manage.py migrate")


def ask_broker() -> None:
    if conf().engine != "celery":
        return
    from celery import current_app  # it is there only where the engine is

    with current_app.connection_for_write(connect_timeout=BROKER_LIMIT) as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_LIMIT)
        broker.default_channel.close()


CHECKS: dict[str, Callable[[], None]] = {
    "database": Bounded(ask_database, LIMIT),
    "migrations": Bounded(ask_migrations, LIMIT),
    "broker": Bounded(ask_broker, LIMIT),
}


def faults() -> dict[str, str]:
    """What is wrong, by the check's name; the error's kind and no more of it, as anybody may ask."""
    found = {}
    for name, check in CHECKS.items():
        if name == "migrations" and "database" in found:
            found[name] = "not asked, for want of a database"
            continue
        try:
            check()
        except TimeoutError:
            found[name] = f"no answer within {LIMIT:g} s"
        except NotMigrated as error:
            found[name] = str(error)
        except Exception as error:  # noqa: BLE001  (whatever a driver raises is an answer here)
            found[name] = type(error).__name__
    return found
