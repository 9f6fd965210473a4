"""A project in a folder of its own, and the one process that is all of it: site, worker, and the look at its checks."""

import os
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.forked import start_fresh

from .shapes import Shape

__all__ = ["PASSWORD", "PERSON", "Project", "serving"]

PERSON, PASSWORD = "ada@example.org", "correct horse"
READY = re.compile(r"running on http://127\.0\.0\.1:(\d+)")
TOKEN = re.compile(r"^token (\S+)$", re.MULTILINE)
PATIENCE = 60.0  # s

SETTINGS = """
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "only-for-tests"
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "django.contrib.staticfiles",
    "headway", "shop",
]
MIDDLEWARE = [
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
]
WHITENOISE_USE_FINDERS = True
ROOT_URLCONF = "mysite.urls"
STATIC_URL = "static/"
TEMPLATES = [{
    "BACKEND": "django.template.backends.django.DjangoTemplates",
    "APP_DIRS": True,
    "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
}]
DATABASES = {"default": {
    "ENGINE": "django.db.backends.sqlite3",
    "NAME": BASE_DIR / "db.sqlite3",
    "OPTIONS": {"transaction_mode": "IMMEDIATE", "init_command": "PRAGMA journal_mode=WAL", "timeout": 5},
}}
MIGRATION_MODULES = {"auth": None, "contenttypes": None, "sessions": None}  # as they are now, without their history
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
LOGIN_URL = "login"
"""

URLS = """
from django.contrib.auth.views import LoginView
from django.urls import include, path

urlpatterns = [
    path("login/", LoginView.as_view(template_name="login.html"), name="login"),
    path("api/", include("headway.http.urls")),
    path("", include("headway.ui.urls")),
]
"""

ASGI = """
import os
from django.core.asgi import get_asgi_application
from headway.live import asgi

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mysite.settings")
application = asgi(get_asgi_application())
"""

MODELS = """
from django.db import models


class Thing(models.Model):
    name = models.CharField(max_length=100, unique=True)
    price = models.IntegerField(default=0)
"""

OPERATIONS = """
import time
from django import forms
from headway import Operation, Reject
from mysite.settings import BASE_DIR
from .models import Thing


class PriceForm(forms.Form):
    price = forms.IntegerField(initial=7)
    since = forms.DateTimeField(required=False)


class Price(Operation):
    \"\"\"Give each thing a price.\"\"\"

    permission = "signed-in"
    params = PriceForm

    def items(self):
        return Thing.objects.all()

    def prepare(self, thing):  # outside any transaction; from the second thing on the test says when
        give_up = time.monotonic() + 30
        while thing.pk > 1 and not (BASE_DIR / "go").exists() and time.monotonic() < give_up:
            time.sleep(0.005)

    def process(self, thing, prepared):
        if thing.name == "bread":
            raise Reject("too-dear", "Nobody can pay that.")
        thing.price = self.params["price"]
        thing.save()
"""

SERVE = """
import importlib.util, os, sys, threading, time
import django

os.environ["DJANGO_SETTINGS_MODULE"] = "mysite.settings"
django.setup()

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command

call_command("check")
for database in settings.DATABASES:
    call_command("migrate", database=database, run_syncdb=True, verbosity=0)

import uvicorn
from django.db import connections, router
from headway.testing import drain
from shop.models import Thing

User = get_user_model()
user = User(**{User.USERNAME_FIELD: sys.argv[1]})
user.set_password(sys.argv[2])
user.save()
Thing.objects.bulk_create(Thing(name=name) for name in ("apple", "bread", "cheese"))
if importlib.util.find_spec("shop.bearer"):
    from shop.bearer import token_of
    print("token", token_of(user), flush=True)


def work():
    while True:
        drain()
        time.sleep(0.02)


threading.Thread(target=work, daemon=True).start()
uvicorn.run("mysite.asgi:application", port=0, timeout_graceful_shutdown=1)
"""

LOGIN = '<form method="post">{% csrf_token %}{{ form.as_p }}<button>Sign in</button></form>'


@dataclass
class Project:
    """One that is served."""

    home: Path
    log: Path
    shape: Shape

    @property
    def said(self) -> str:
        """All that its process has said."""
        return self.log.read_text()

    @property
    def host(self) -> str:
        found = READY.search(self.said)
        assert found, self.said
        return f"http://127.0.0.1:{found[1]}"

    @property
    def token(self) -> str:
        found = TOKEN.search(self.said)
        assert found, self.said
        return found[1]

    def go(self) -> None:
        """Let the worker pass the second thing."""
        (self.home / "go").touch()

    def halt(self) -> None:
        """Let it wait there."""
        (self.home / "go").unlink(missing_ok=True)


@contextmanager
def serving(home: Path, python: Path, shape: Shape) -> Iterator[Project]:
    """The project, once it answers or its process has ended."""
    write(home, shape)
    project = Project(home, home / "log", shape)
    told = {name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "PYTHON", "TEST_"))}
    with project.log.open("wb") as log:
        process = start_fresh(["serve.py", PERSON, PASSWORD], told, log, log, str(python), home)
    try:
        give_up = time.monotonic() + PATIENCE
        while process.poll() is None and not READY.search(project.said):
            assert time.monotonic() < give_up, project.said
            time.sleep(0.02)  # nothing tells of it
        yield project
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def write(home: Path, shape: Shape) -> None:
    files = {
        "mysite/__init__.py": "",
        "mysite/settings.py": SETTINGS + shape.settings,
        "mysite/urls.py": URLS + shape.urls,
        "mysite/asgi.py": ASGI,
        "shop/__init__.py": "",
        "shop/models.py": MODELS,
        "shop/operations.py": OPERATIONS,
        "shop/templates/login.html": LOGIN,
        "serve.py": SERVE,
        **shape.files,
    }
    for name, text in files.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(text)
