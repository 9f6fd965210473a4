"""A task of the project's own, beside ours in the same worker."""

from django.db import connection

from headway.engines.django_tasks.flavour import task

__all__ = ["tell_session"]


@task(backend="default", queue="default")
def tell_session(queue: str) -> str:
    """What limits and what name its session has, on PostgreSQL; elsewhere a session has none."""
    if connection.vendor != "postgresql":
        return ""
    names = ("lock_timeout", "idle_in_transaction_session_timeout", "application_name")
    with connection.cursor() as cursor:
        cursor.execute("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))
        return " ".join(cursor.fetchone())
