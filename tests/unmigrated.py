"""A database in which migrations of Headway's are missing: some, or all."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.management import call_command

__all__ = ["back_to"]


@contextmanager
def back_to(migration: str) -> Iterator[None]:
    """Headway's tables as this migration has left them ("zero": none)."""
    call_command("migrate", "headway", migration, verbosity=0)
    try:
        yield
    finally:
        call_command("migrate", "headway", verbosity=0)
