"""Once before the rest starts: the database as this code wants it and, in the demo, its users."""

import os
import sys

import django
from django.conf import settings
from django.core.management import call_command

__all__ = ["main", "prepare"]


def main() -> int:
    """As a process of its own."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.settings")
    django.setup()
    prepare()
    return 0


def prepare() -> None:
    """Raises the database's errors. May be repeated."""
    from example.users import ensure_users  # models can be imported only once Django is set up

    call_command("migrate", verbosity=0)
    if settings.DEMO:
        ensure_users()


if __name__ == "__main__":
    sys.exit(main())
