"""Start-up checks of the cache that remembers idempotency keys."""

from typing import Any

from django.conf import settings
from django.core import checks

from headway.conf import valid_conf

USELESS = {
    "django.core.cache.backends.dummy.DummyCache": "it remembers nothing",
    "django.core.cache.backends.locmem.LocMemCache": "each process has one of its own, so a replay that another "
    "process answers finds nothing there",
    "django.core.cache.backends.db.DatabaseCache": "asking it takes as long as asking for the key itself",
}


@checks.register("headway")
def check_cache(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E017 and W018: HEADWAY["CACHE"] names a cache that isn't there, or one that is of no use."""
    alias = valid_conf().cache
    if not alias:
        return []
    if alias not in settings.CACHES:
        text = f'HEADWAY["CACHE"] is {alias!r}, and CACHES has no such name.'
        hint = f"There are: {', '.join(sorted(settings.CACHES))}. Or leave it out: no cache is needed."
        return [checks.Error(text, hint=hint, id="headway.E017")]
    if why := USELESS.get(str(settings.CACHES[alias].get("BACKEND"))):
        text = f'HEADWAY["CACHE"] is {alias!r}, which saves nothing: {why}.'
        hint = 'Use one that all processes share, such as "django.core.cache.backends.redis.RedisCache".'
        return [checks.Warning(text, hint=hint, id="headway.W018")]
    return []
