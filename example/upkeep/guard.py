"""Outside the demo, nobody may sign in as everybody can: with a name that is the password, or the token."""

from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.contrib.auth.models import User
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import Error
from rest_framework.authtoken.models import Token

from example.users import NAMES
from headway.database.bounded import Bounded

__all__ = ["check_users", "refuse_demo_users"]

LIMIT = 10.0  # s, for the database
WHAT = "The demo's users are in this database, and anybody can sign in as them: {names}."
HOW = "Delete them (manage.py shell), give them another password and token, or say DEMO=1 on a machine of your own."
SILENT = f"The database didn't say within {LIMIT:g} s whether the demo's users are in it."


def found_users() -> tuple[set[str], list[tuple[str, str]]]:
    """Names with the demo's tokens, and the password's hash of each active user with such a name."""
    by_token = set(Token.objects.filter(key__in=NAMES).values_list("user__username", flat=True))
    return by_token, list(User.objects.filter(username__in=NAMES, is_active=True).values_list("username", "password"))


@checks.register(checks.Tags.security)
def check_users(**kwargs: Any) -> list[checks.CheckMessage]:
    """example.E001, E002. It asks the database, unlike other checks, since it must hold wherever a process starts."""
    if settings.DEMO:
        return []
    try:
        by_token, hashes = Bounded(found_users, LIMIT)()
    except TimeoutError:
        return [checks.Error(SILENT, hint="Start again when the database answers.", id="example.E002")]
    except Error:
        return []  # no database or no tables yet: nobody signs in either
    # Without a limit: a hash takes 0.3 s, on a busy machine many times that, and no user may slip through for it.
    found = by_token | {name for name, password in hashes if check_password(name, password)}
    return [checks.Error(WHAT.format(names=", ".join(sorted(found))), hint=HOW, id="example.E001")] if found else []


def refuse_demo_users() -> None:
    """For servers, which run no checks. Raises ImproperlyConfigured."""
    for error in check_users():
        raise ImproperlyConfigured(f"{error.msg} {error.hint}")
