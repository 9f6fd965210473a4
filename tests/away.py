"""A database that is away."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection

__all__ = ["database_away"]


@contextmanager
def database_away() -> Iterator[None]:
    """No new connection can be had, and there is no old one."""
    there = connection.settings_dict["NAME"]
    connection.close()
    connection.settings_dict["NAME"] = "/no/such/folder/database"
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict["NAME"] = there
