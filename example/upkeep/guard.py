"""Outside the demo, nobody may sign in as everybody can: with a name that is the password, or the token."""

from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import Error
from rest_framework.authtoken.models import Token

from example.users import NAMES

from .bounded import Bounded

__all__ = ["check_users", "demo_users", "refuse_demo_users"]

LIMIT = 10.0  # s; a password's hash takes 0.3
WHAT = "The demo's users are in this database, and anybody can sign in as them: {names}."
HOW = "Delete them (manage.py shell), give them another password and token, or say DEMO=1 on a machine of your own."


def demo_users() -> list[str]:
    """Those who are there with their names as password or token."""
    by_token = set(Token.objects.filter(key__in=NAMES).values_list("user__username", flat=True))
    there = User.objects.filter(username__in=NAMES, is_active=True)
    return sorted(by_token | {user.username for user in there if user.check_password(user.username)})


@checks.register(checks.Tags.security)
def check_users(**kwargs: Any) -> list[checks.CheckMessage]:
    """example.E001. It asks the database, unlike other checks, since it must hold wherever something is started."""
    if settings.DEMO:
        return []
    try:
        found = Bounded(demo_users, LIMIT)()
    except (Error, TimeoutError):
        return []  # no database or no tables yet: nobody signs in either
    return [checks.Error(WHAT.format(names=", ".join(found)), hint=HOW, id="example.E001")] if found else []


def refuse_demo_users() -> None:
    """For servers, which run no checks. Raises ImproperlyConfigured."""
    for error in check_users():
        raise ImproperlyConfigured(f"{error.msg} {error.hint}")
