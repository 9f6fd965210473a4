"""The start-up check of idempotency keys: HEADWAY["IDEMPOTENT_PREFIXES"] and the middleware belong together."""

from typing import Any

from django.conf import settings
from django.core import checks

from headway.conf import valid_conf
from headway.middleware_order import AUTHENTICATION, place_of

KEYS = "headway.idempotency.middleware.Middleware"


@checks.register("headway")
def check_idempotency(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E029 and W030: IDEMPOTENT_PREFIXES without the middleware that heeds them, or where it knows no user."""
    if not valid_conf().idempotent_prefixes:
        return []
    place, known = place_of(KEYS), place_of(AUTHENTICATION)
    if place is None:
        return [
            checks.Error(
                'HEADWAY["IDEMPOTENT_PREFIXES"] names paths, and MIDDLEWARE has no headway.idempotency.Middleware: '
                "keys mean nothing there, and what is sent twice is done twice.",
                hint=f'Add "headway.idempotency.Middleware" to MIDDLEWARE, behind "{AUTHENTICATION}".',
                id="headway.E029",
            )
        ]
    if known is None or known < place:
        return []
    early, late = settings.MIDDLEWARE[place], settings.MIDDLEWARE[known]
    told = f"In MIDDLEWARE {early} stands before {late}: it doesn't know who has signed in, and refuses them (401)."
    return [checks.Warning(told, hint="Move it behind.", id="headway.W030")]
