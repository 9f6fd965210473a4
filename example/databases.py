"""A database's settings as Headway needs them, from a URL."""

from pathlib import Path
from typing import Any

import dj_database_url

__all__ = ["database"]

SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",  # a transaction takes its lock at its start, and so waits instead of failing
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
    "timeout": 20,
}


def database(url: str | None, default: Path) -> dict[str, Any]:
    """The settings for this URL, such as postgres://user@host/name; without one, SQLite in the file `default`."""
    settings: dict[str, Any] = dict(dj_database_url.parse(url or f"sqlite:///{default}"))
    if settings["ENGINE"] == "django.db.backends.sqlite3":
        settings["OPTIONS"] = SQLITE_OPTIONS | settings.get("OPTIONS", {})
    return settings
