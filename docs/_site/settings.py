"""A project that has Headway and nothing else."""

SECRET_KEY = "not one"  # noqa: S105  (nothing is signed)
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "rest_framework",
    "drf_spectacular",
    "headway",
]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
ROOT_URLCONF = "_site.urls"
REST_FRAMEWORK = {"DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema"}
SPECTACULAR_SETTINGS = {"TITLE": "Headway", "VERSION": "1", "OAS_VERSION": "3.1.0"}
USE_TZ = True
