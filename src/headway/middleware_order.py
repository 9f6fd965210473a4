"""What stands where in the project's MIDDLEWARE."""

from django.conf import settings
from django.utils.module_loading import import_string

AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"


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
