"""The demo's users. A user's name is also the password and the token, so never where others can reach."""

from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token

__all__ = ["NAMES", "ensure_users"]

STAFF = {"demo": False, "other": False, "admin": True}
NAMES = tuple(STAFF)


def ensure_users() -> None:
    """Make the missing ones. A password's hash costs 0.3 s of CPU, so users that are there keep theirs."""
    there = {user.username: user for user in User.objects.filter(username__in=NAMES)}
    for name, staff in STAFF.items():
        user = there.get(name) or User.objects.create_user(name, password=name, is_staff=staff, is_superuser=staff)
        Token.objects.get_or_create(user=user, defaults={"key": name})
