"""Who asks a service: a program with its token."""

from secrets import compare_digest

from django.conf import settings
from django.http import HttpRequest

__all__ = ["caller"]


def caller(request: HttpRequest) -> str | None:
    """To whom an idempotency key belongs; None: to nobody, so `@idempotent` answers 401."""
    token = settings.TOKENS[settings.SERVICE]
    given = request.headers.get("Authorization", "")
    return "program" if compare_digest(given.encode(), f"Bearer {token}".encode()) else None
