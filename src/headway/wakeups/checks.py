"""Start-up checks of the wake-ups: with a wrong address all works, only later, and no log line says why."""

from importlib.util import find_spec
from typing import Any

from django.core import checks
from django.db import connection

from headway.conf import REDIS, valid_conf


@checks.register("headway")
def check_holds(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E021: HEADWAY["HOLDS"] needs what isn't installed."""
    return without_redis('HEADWAY["HOLDS"] is an address of Redis', "headway.E021") if valid_conf().holds else []


@checks.register("headway")
def check_wake_ups(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E015 and E016: HEADWAY["WAKE_UPS"] names what isn't there."""
    address = valid_conf().wake_ups
    scheme, colon, _ = address.partition("://")
    if address.startswith(REDIS):
        return without_redis(f'HEADWAY["WAKE_UPS"] is an address of Redis ({scheme}://…)', "headway.E015")
    if not colon or connection.vendor == "postgresql":
        return []
    return [
        checks.Error(
            f'HEADWAY["WAKE_UPS"] is an address of PostgreSQL ({scheme}://…), and the default database is '
            f"{connection.vendor}: nobody would tell anything there.",
            hint='Use "redis://…", or leave it out.',
            id="headway.E016",
        )
    ]


def without_redis(wanted: str, id: str) -> list[checks.CheckMessage]:  # noqa: A002  (as in Django's own)
    """The error where redis-py isn't there, without the address, which may have a password."""
    if find_spec("redis") is not None:
        return []
    hint = 'pip install "django-headway[redis]"'
    return [checks.Error(f"{wanted}, and redis-py isn't installed.", hint=hint, id=id)]
