"""A database in which Headway's tables are missing, or as an earlier version has left them."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

from headway.models import Run

__all__ = ["UNMIGRATED", "unmigrated"]

UNMIGRATED = ("missing", "older")


@contextmanager
def unmigrated(how: str) -> Iterator[None]:
    """Headway's tables missing; or older: without the newest column, and what adds it not yet applied."""
    with without_tables() if how == "missing" else without_a_column():
        yield


@contextmanager
def without_tables() -> Iterator[None]:
    call_command("migrate", "headway", "zero", verbosity=0)
    try:
        yield
    finally:
        call_command("migrate", "headway", verbosity=0)


@contextmanager
def without_a_column() -> Iterator[None]:
    column, recorder = Run._meta.get_field("traceparent"), MigrationRecorder(connection)
    applied = [name for app, name in recorder.applied_migrations() if app == "headway"]
    with connection.schema_editor() as editor:
        editor.remove_field(Run, column)
    for name in applied:
        recorder.record_unapplied("headway", name)
    try:
        yield
    finally:
        for name in applied:
            recorder.record_applied("headway", name)
        with connection.schema_editor() as editor:
            editor.add_field(Run, column)
