"""Start-up checks of what HEADWAY names: paths whose requests carry keys, a cache, Redis, PostgreSQL. Without it all
works, only later or twice, and no log line says why."""

from importlib.util import find_spec
from typing import Any

from django.conf import settings
from django.core import checks
from django.db import connection
from django.utils.module_loading import import_string

from headway.conf import REDIS, valid_conf
from headway.engines.engine import fault

AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
NO_REDIS, INSTALL = "and redis-py isn't installed.", 'pip install "django-headway[redis]"'
KEYS = "headway.idempotency.middleware.Middleware"
USELESS = {
    "django.core.cache.backends.dummy.DummyCache": "it remembers nothing",
    "django.core.cache.backends.locmem.LocMemCache": "each process has one of its own, so a replay that another "
    "process answers finds nothing there",
    "django.core.cache.backends.db.DatabaseCache": "asking it takes as long as asking for the key itself",
}


@checks.register("headway")
def check_idempotency(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E029 and W030: IDEMPOTENT_PREFIXES without the middleware that heeds them, or where it knows no user."""
    if not valid_conf().idempotent_prefixes:
        return []
    place, known = place_of(KEYS), place_of(AUTHENTICATION)
    if place is None:
        text = (
            'HEADWAY["IDEMPOTENT_PREFIXES"] names paths, and MIDDLEWARE has no headway.idempotency.Middleware: keys '
            "mean nothing there, and what is sent twice is done twice."
        )
        return [fault("E029", text, f'Add "headway.idempotency.Middleware" to MIDDLEWARE, behind "{AUTHENTICATION}".')]
    if known is None or known < place:
        return []
    early, late = settings.MIDDLEWARE[place], settings.MIDDLEWARE[known]
    told = f"In MIDDLEWARE {early} stands before {late}: it doesn't know who has signed in, and refuses them (401)."
    return [checks.Warning(told, hint="Move it behind.", id="headway.W030")]


def place_of(path: str) -> int | None:
    """Where in MIDDLEWARE the first stands that is this one or a subclass of it; None: it isn't there."""
    return next((place for place, named in enumerate(settings.MIDDLEWARE) if path in kinds_of(named)), None)


def kinds_of(path: str) -> list[str]:
    """The class of this path and those above it; none for a function, and for what can't be imported."""
    try:
        named = import_string(path)
    except Exception:  # noqa: BLE001  (of the project's own module; Django tells it, when the server starts)
        return []
    return [f"{kind.__module__}.{kind.__qualname__}" for kind in getattr(named, "__mro__", ())]


@checks.register("headway")
def check_cache(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E017 and W018: HEADWAY["CACHE"] names a cache that isn't there, or one that is of no use."""
    alias = valid_conf().cache
    if not alias:
        return []
    if alias not in settings.CACHES:
        hint = f"There are: {', '.join(sorted(settings.CACHES))}. Or leave it out: no cache is needed."
        return [fault("E017", f'HEADWAY["CACHE"] is {alias!r}, and CACHES has no such name.', hint)]
    if why := USELESS.get(str(settings.CACHES[alias].get("BACKEND"))):
        text = f'HEADWAY["CACHE"] is {alias!r}, which saves nothing: {why}.'
        hint = 'Use one that all processes share, such as "django.core.cache.backends.redis.RedisCache".'
        return [checks.Warning(text, hint=hint, id="headway.W018")]
    return []


@checks.register("headway")
def check_holds(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E021: HEADWAY["HOLDS"] needs what isn't installed."""
    if not valid_conf().holds or find_spec("redis"):
        return []
    return [fault("E021", f'HEADWAY["HOLDS"] is an address of Redis, {NO_REDIS}', INSTALL)]


@checks.register("headway")
def check_wake_ups(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E015 and E016: HEADWAY["WAKE_UPS"] names what isn't there."""
    address = valid_conf().wake_ups
    scheme, colon, _ = address.partition("://")
    if address.startswith(REDIS) and not find_spec("redis"):  # told without the address, which may have a password
        return [fault("E015", f'HEADWAY["WAKE_UPS"] is an address of Redis ({scheme}://…), {NO_REDIS}', INSTALL)]
    if address.startswith(REDIS) or not colon or connection.vendor == "postgresql":
        return []
    text = (
        f'HEADWAY["WAKE_UPS"] is an address of PostgreSQL ({scheme}://…), and the default database is '
        f"{connection.vendor}: nobody would tell anything there."
    )
    return [fault("E016", text, 'Use "redis://…", or leave it out.')]
