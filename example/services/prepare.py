"""Once before a service starts: its tables, somebody to sign in and, in the stock, something on the shelves."""

import os
import sys

import django
from django.conf import settings
from django.core.management import call_command

__all__ = ["main"]

ON_HAND = 1_000
SKUS = ("coffee", "milk", "sugar", "tea")


def main() -> int:
    """May be repeated."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "example.services.settings")
    django.setup()
    call_command("migrate", verbosity=0)
    from django.contrib.auth.models import User  # models can be imported only once Django is set up

    if not User.objects.exists():
        User.objects.create_superuser("admin", password="admin")  # noqa: S106  (the demo's)
    if settings.SERVICE == "stock":
        fill_shelves()
    return 0


def fill_shelves() -> None:
    from example.services.stock.models import Shelf, Warehouse  # likewise

    Warehouse.objects.get_or_create(name="warehouse:1")
    for sku in SKUS:
        Shelf.objects.get_or_create(sku=sku, defaults={"on_hand": ON_HAND})


if __name__ == "__main__":
    sys.exit(main())
