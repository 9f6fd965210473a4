"""Start-up checks of the wake-ups: with a wrong address all works, only later, and no log line says why."""

from importlib.util import find_spec
from typing import Any

from django.core import checks
from django.db import connection

from headway.conf import REDIS, valid_conf


@checks.register("headway")
def check_holds(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E021: HEADWAY["HOLDS"] needs what isn't installed."""
    address = valid_conf().holds
    if not address or find_spec("redis") is not None:
        return []
    return [
        checks.Error(
            'HEADWAY["HOLDS"] is an address of Redis, and redis-py isn\'t installed.',
            hint='pip install "django-headway[redis]"',
            id="headway.E021",
        )
    ]


@checks.register("headway")
def check_wake_ups(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E015 and E016: HEADWAY["WAKE_UPS"] names what isn't there."""
    address = valid_conf().wake_ups
    scheme, colon, _ = address.partition("://")
    if address.startswith(REDIS):
        if find_spec("redis") is None:
            return [
                checks.Error(
                    f'HEADWAY["WAKE_UPS"] is an address of Redis ({scheme}://…), and redis-py isn\'t installed.',
                    hint='pip install "django-headway[redis]"',
                    id="headway.E015",
                )
            ]
    elif colon and connection.vendor != "postgresql":
        return [
            checks.Error(
                f'HEADWAY["WAKE_UPS"] is an address of PostgreSQL ({scheme}://…), and the default database is '
                f"{connection.vendor}: nobody would tell anything there.",
                hint='Use "redis://…", or leave it out.',
                id="headway.E016",
            )
        ]
    return []
