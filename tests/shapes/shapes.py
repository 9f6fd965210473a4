"""The shapes: each says what it has instead of what a plain project has (`project.py`)."""

from dataclasses import dataclass, field

__all__ = ["REFUSED", "SHAPES", "Shape"]

BEARER = """
import hmac
from django.conf import settings
from django.contrib.auth import get_user_model
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed


def token_of(user):
    signed = hmac.new(settings.SECRET_KEY.encode(), str(user.pk).encode(), "sha256").hexdigest()
    return f"{user.pk}.{signed}"


class Bearer(BaseAuthentication):
    def authenticate(self, request):
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            return None
        for user in get_user_model().objects.all():
            if hmac.compare_digest(token_of(user), token):
                return user, token
        raise AuthenticationFailed

    def authenticate_header(self, request):
        return "Bearer"
"""

OWN_USER = """
import uuid
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager
from django.db import models


class People(BaseUserManager):
    pass


class Person(AbstractBaseUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    email = models.EmailField(unique=True)
    USERNAME_FIELD = EMAIL_FIELD = "email"
    objects = People()
"""

OTHER_DATABASE = """
DATABASES["other"] = DATABASES["default"] | {"NAME": BASE_DIR / "other.sqlite3"}
DATABASE_ROUTERS = ["shop.router.Router"]
"""

ROUTER = """
class Router:
    def db_for_read(self, model, **hints):
        return "other" if model._meta.app_label == "shop" else None

    db_for_write = db_for_read

    def allow_relation(self, one, another, **hints):
        return (one._meta.app_label == "shop") == (another._meta.app_label == "shop")

    def allow_migrate(self, db, app_label, **hints):
        return (db == "other") == (app_label == "shop")
"""

LOST = """
class Router:
    def allow_migrate(self, db, app_label, **hints):
        return (db == "other") == (app_label == "headway")
"""

TRANSLATED = """
from django.conf.urls.i18n import i18n_patterns

urlpatterns = i18n_patterns(*urlpatterns)
"""

NO_SESSIONS = """
INSTALLED_APPS.remove("django.contrib.sessions")
MIDDLEWARE = [name for name in MIDDLEWARE if "sessions" not in name and "auth" not in name]
REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["shop.bearer.Bearer"]}
"""


@dataclass(frozen=True)
class Shape:
    """A project: what its settings and URLs say last, and its further files."""

    settings: str = ""
    urls: str = ""
    files: dict[str, str] = field(default_factory=dict)
    below: str = ""
    """The path of the site."""
    pages: bool = True
    """Whether people can sign in to its pages."""
    by_header: bool = False
    """Whether programs call by a header."""
    by_script: bool = False
    """Whether what its page's script asks for depends on the shape."""
    check: str = ""
    """What the system check says of it, if it says something."""


SHAPES = {
    "a user of its own": Shape(
        settings='INSTALLED_APPS.insert(0, "people")\nAUTH_USER_MODEL = "people.Person"\n',
        files={"people/__init__.py": "", "people/models.py": OWN_USER},
    ),
    "two databases": Shape(settings=OTHER_DATABASE, files={"shop/router.py": ROUTER}),
    "a transaction for each request": Shape(settings='DATABASES["default"]["ATOMIC_REQUESTS"] = True\n'),
    "addresses in each language": Shape(
        settings='MIDDLEWARE.insert(1, "django.middleware.locale.LocaleMiddleware")\nLANGUAGE_CODE = "de"\n',
        urls=TRANSLATED,
        below="/en",
        by_script=True,
    ),
    "below a path": Shape(settings='FORCE_SCRIPT_NAME = "/site"\n', below="/site", by_script=True),
    "without time zones": Shape(settings='USE_TZ = False\nTIME_ZONE = "America/New_York"\n'),
    "tokens alone in the API": Shape(
        settings='REST_FRAMEWORK = {"DEFAULT_AUTHENTICATION_CLASSES": ["shop.bearer.Bearer"]}\n',
        files={"shop/bearer.py": BEARER},
        by_header=True,
        by_script=True,
    ),
    "no sessions": Shape(
        settings=NO_SESSIONS, files={"shop/bearer.py": BEARER}, pages=False, by_header=True, check="headway.W024"
    ),
}

REFUSED = {
    "a router that sends Headway's tables away": Shape(
        settings=OTHER_DATABASE, files={"shop/router.py": LOST}, check="headway.E022"
    ),
    "another database as the only one": Shape(
        settings='DATABASES = {"default": {}, "main": DATABASES["default"]}\nDATABASE_ROUTERS = []\n',
        check="headway.E002",
    ),
    "sessions in a table that isn't there": Shape(
        settings='INSTALLED_APPS.remove("django.contrib.sessions")\n', check="headway.E025"
    ),
}
