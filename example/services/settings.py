"""Settings of both services; SERVICE says which of them this process belongs to. They share Redis and nothing else."""

import os
from pathlib import Path

from example.databases import database

SERVICE = os.environ.get("SERVICE", "orders")  # or "stock"
DATA_DIR = Path(os.environ.get("DATA_DIR", "var")) / "services"
DATA_DIR.mkdir(parents=True, exist_ok=True)
STOCK_URL = os.environ.get("STOCK_URL", "http://localhost:8082")
TOKENS = {
    "orders": os.environ.get("ORDERS_TOKEN", "shop"),  # with which the shop asks the orders service,
    "stock": os.environ.get("STOCK_TOKEN", "orders"),  # and this one the stock service
}
WEBHOOK_SECRET = os.environ.get("WEBHOOK_SECRET", "whsec_b25seS1mb3ItdGhlLWRlbW8tb24tdGhpcy1tYWNoaW5l")

HEADWAY = {
    "HOLDS": os.environ.get("HOLDS", "redis://127.0.0.1:6379/2"),
    "LEASE_SECONDS": float(os.environ.get("HEADWAY_LEASE_SECONDS", "10")),
}
if SERVICE == "orders":
    HEADWAY["WEBHOOKS"] = {
        "stock": {
            "url": f"{STOCK_URL}/hooks/headway/",
            "secret": WEBHOOK_SECRET,
            "operations": ["orders.send_orders"],
            "allow_http": True,  # within one's own network
        },
    }

DATABASES = {"default": database(os.environ.get("DATABASE_URL"), DATA_DIR / f"{SERVICE}.sqlite3")}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TIME_ZONE = "UTC"
SECRET_KEY = os.environ.get("SECRET_KEY") or "only-for-the-demo-on-this-machine"
ALLOWED_HOSTS = ["localhost", "127.0.0.1", *filter(None, os.environ.get("ALLOWED_HOSTS", "").split(","))]
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{SERVICE}-session", f"{SERVICE}-csrf"  # another port is no other site

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "headway",
    f"example.services.{SERVICE}",
]
MIDDLEWARE = [
    "headway.contrib.probes.probes",  # /readyz, for the containers' health checks
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
ROOT_URLCONF = f"example.services.{SERVICE}.urls"
LOGIN_URL = "admin:login"
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
