"""Those who watch: sessions of the runs' owner, as many as are wanted, each with a cookie of its own."""

from datetime import timedelta
from functools import cache
from importlib import import_module
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import get_random_string

__all__ = ["cookies", "owner"]


@cache
def owner() -> User:
    """Who owns all runs."""
    return User.objects.create(username="watcher")


def cookies(count: int) -> list[str]:
    """So many Cookie headers, of sessions that nobody has used yet."""
    user = owner()
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore
    data = store().encode(
        {
            SESSION_KEY: str(user.pk),
            BACKEND_SESSION_KEY: settings.AUTHENTICATION_BACKENDS[0],
            HASH_SESSION_KEY: user.get_session_auth_hash(),
        }
    )
    expires = timezone.now() + timedelta(days=1)
    keys = [get_random_string(32) for _ in range(count)]
    Session.objects.bulk_create(Session(session_key=key, session_data=data, expire_date=expires) for key in keys)
    return [f"{settings.SESSION_COOKIE_NAME}={key}" for key in keys]
