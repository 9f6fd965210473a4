"""Start-up checks: what can't work is told before a worker meets it at night."""

import sqlite3
from typing import Any

from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections

from headway import engines
from headway.conf import ENGINES, conf
from headway.database import NOW_MS
from headway.store.starts.checks import check_cache
from headway.wakeups.checks import check_holds, check_wake_ups

__all__ = ["check_cache", "check_database", "check_engine", "check_holds", "check_settings", "check_wake_ups"]


@checks.register("headway")
def check_settings(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E001: HEADWAY has an unknown key or an invalid value."""
    try:
        conf()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), hint="Mend HEADWAY in the project's settings.", id="headway.E001")]
    return []


@checks.register("headway")
def check_engine(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E005 to E013, E020, W008: the chosen engine isn't there, or couldn't deliver as the project is set up."""
    try:
        engine = engines.chosen()
    except ImproperlyConfigured:
        return []  # E001 tells it
    except (ImportError, TypeError) as error:
        return [
            checks.Error(
                f'HEADWAY["ENGINE"] leads to no engine: {error}',
                hint=f"Use one of {', '.join(ENGINES)}, or the dotted path of a subclass of headway.engines.Engine.",
                id="headway.E020",
            )
        ]
    return engine.faults()


@checks.register("headway")
def check_database(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E002 to E004, E019: the default database can't keep the promises, or can't as it is set up."""
    connection = connections[DEFAULT_DB_ALIAS]
    if connection.vendor not in NOW_MS:
        return [
            checks.Error(
                f"Headway doesn't run on {connection.vendor}.",
                hint=f"Use one of: {', '.join(sorted(NOW_MS))}.",
                id="headway.E002",
            )
        ]
    if connection.vendor != "sqlite":
        return []
    options = connection.settings_dict["OPTIONS"]
    at_start = str(options.get("init_command", "")).lower().replace(" ", "")
    faults = (
        (
            not connection.features.can_return_columns_from_insert,
            f"SQLite {sqlite3.sqlite_version} has no RETURNING: Headway needs 3.35 or newer.",
            "Use a Python that comes with a newer SQLite, or PostgreSQL.",
            "headway.E019",
        ),
        (
            str(options.get("transaction_mode", "")).upper() != "IMMEDIATE",
            "SQLite's transactions are not IMMEDIATE: two writers at once would fail with 'database is locked'.",
            'Add "transaction_mode": "IMMEDIATE" to OPTIONS of the default database.',
            "headway.E003",
        ),
        (
            "journal_mode=wal" not in at_start,
            "SQLite is not told to use its write-ahead log (WAL): readers and writers would wait for each other.",
            'Add "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL" to OPTIONS of the default '
            "database, and never put the file on a network disk.",
            "headway.E004",
        ),
    )
    return [checks.Error(message, hint=hint, id=number) for wrong, message, hint, number in faults if wrong]
