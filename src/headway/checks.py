"""Start-up checks: what can't work is told before a worker meets it at night."""

import sqlite3
from collections.abc import Iterator
from difflib import get_close_matches
from importlib.util import find_spec
from typing import Any

from django.apps import apps
from django.conf import settings
from django.contrib.auth import get_permission_codename, get_user_model
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, router

from headway import addresses, engines
from headway.clock import NOW_MS
from headway.conf import ENGINES, faults
from headway.engines.engine import fault
from headway.errors import InvalidParams
from headway.models import Run
from headway.operations import files, params, registry, schema
from headway.operations.declarations import SIGNED_IN
from headway.operations.schedules import INSTALL
from headway.runs.ticks import scheduled
from headway.setting_checks import AUTHENTICATION, place_of  # to import is to register
from headway.webhooks.endpoints import check_webhooks as check_webhooks

SIGNING_IN = ("django.contrib.sessions.middleware.SessionMiddleware", AUTHENTICATION)
GIVE_PARAMS = (
    "Give what its form needs as schedule_params = {…} on the operation, or an `initial` to the form's fields."
)
SESSIONS_IN_A_TABLE = ("django.contrib.sessions.backends.db", "django.contrib.sessions.backends.cached_db")


@checks.register("headway")
def check_settings(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E001: HEADWAY has an unknown key or an invalid value; each is told."""
    return [fault("E001", text, "Mend HEADWAY in the project's settings.") for text in faults()]


@checks.register("headway")
def check_engine(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E005 to E013, E020, W008: the chosen engine isn't there, or couldn't deliver as the project is set up."""
    try:
        engine = engines.chosen()
    except ImproperlyConfigured:
        return []  # E001 tells it
    except (ImportError, TypeError) as error:
        hint = f"Use one of {', '.join(ENGINES)}, or the dotted path of a subclass of headway.engines.Engine."
        return [fault("E020", f'HEADWAY["ENGINE"] leads to no engine: {error}', hint)]
    return engine.faults()


@checks.register("headway")
def check_database(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E002 to E004, E019: the default database can't keep the promises, or can't as it is set up."""
    connection = connections[DEFAULT_DB_ALIAS]
    if not connection.settings_dict["ENGINE"] or connection.settings_dict["ENGINE"] == "django.db.backends.dummy":
        text = "DATABASES has no default database, and Headway's tables are always in that one."
        return [fault("E002", text, 'Name the database in which your users are "default".')]
    if connection.vendor not in NOW_MS:
        hint = f"Use one of: {', '.join(sorted(NOW_MS))}."
        return [fault("E002", f"Headway doesn't run on {connection.vendor}.", hint)]
    if connection.vendor != "sqlite":
        return []
    options = connection.settings_dict["OPTIONS"]
    at_start = str(options.get("init_command", "")).lower().replace(" ", "")
    faults = (
        (
            not connection.features.can_return_columns_from_insert,
            f"SQLite {sqlite3.sqlite_version} has no RETURNING: Headway needs 3.35 or newer.",
            "Use a Python that comes with a newer SQLite, or PostgreSQL.",
            "headway.E019",
        ),
        (
            str(options.get("transaction_mode", "")).upper() != "IMMEDIATE",
            "SQLite's transactions are not IMMEDIATE: two writers at once would fail with 'database is locked'.",
            'Add "transaction_mode": "IMMEDIATE" to OPTIONS of the default database.',
            "headway.E003",
        ),
        (
            "journal_mode=wal" not in at_start,
            "SQLite is not told to use its write-ahead log (WAL): readers and writers would wait for each other.",
            'Add "init_command": "PRAGMA journal_mode=WAL" to OPTIONS of the default database, and never put the file '
            "on a network disk.",
            "headway.E004",
        ),
    )
    return [checks.Error(text, hint=hint, id=number) for wrong, text, hint, number in faults if wrong]


@checks.register("headway")
def check_routers(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E022 and E023: a router keeps Headway's tables out of the default database, or those of users."""
    found: list[checks.CheckMessage] = []
    if not router.allow_migrate_model(DEFAULT_DB_ALIAS, Run):
        text = "DATABASE_ROUTERS keep Headway's tables out of the default database, where it always looks for them."
        hint = (
            'Let allow_migrate("default", "headway", …) return True or None. A database that others share is named '
            '"default" in DATABASES.'
        )
        found.append(fault("E022", text, hint))
    if (theirs := router.db_for_write(get_user_model())) != DEFAULT_DB_ALIAS:
        text = (
            f"DATABASE_ROUTERS send users to the database {theirs!r}, and a run in the default database refers to the "
            "user who started it."
        )
        found.append(fault("E023", text, "Keep users in the default database."))
    return found


@checks.register("headway")
def check_parser(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E032: an operation has a schedule, and the package that reads it isn't installed."""
    names = [operation.name for operation in scheduled()]
    if not names or find_spec("cronsim"):
        return []
    text = f"schedule needs the package cronsim, which isn't installed. It is declared by {', '.join(names)}."
    return [fault("E032", text, f"Run: {INSTALL}")]


@checks.register("headway")
def check_schedules(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E026: an operation's schedule would start it with parameters that its form refuses."""
    found: list[checks.CheckMessage] = []
    for operation in scheduled():
        try:
            params.clean(operation.form, operation.schedule_params)
        except DatabaseError:
            pass  # the form asks tables that aren't migrated yet
        except Exception as error:  # noqa: BLE001  (of the operation's own form)
            why = str(error) if isinstance(error, InvalidParams) else f"its form raises {error!r}"
            text = f"{operation.name} can't start by its schedule: {why}"
            found.append(checks.Error(text, hint=GIVE_PARAMS, obj=operation, id="headway.E026"))
    return found


@checks.register("headway")
def check_uploads(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.W034: operations take files, and where these are kept depends on where a process was started."""
    names = [operation.name for operation in registry.every() if schema.takes_files(operation.form)]
    try:
        folder = files.folder() if names else None
    except Exception:  # noqa: BLE001  (of the project's own storage; the first upload tells it)
        return []
    if folder is None or folder.is_absolute():
        return []
    text = (
        "The default storage's folder (MEDIA_ROOT) isn't an absolute path: an upload lies below the folder in which "
        "the web process was started, and a worker that was started in another doesn't find it. Files are taken by "
        f"{', '.join(names)}."
    )
    hint = 'Name a folder that web processes and workers share, such as MEDIA_ROOT = BASE_DIR / "media".'
    return [checks.Warning(text, hint=hint, id="headway.W034")]


@checks.register("headway", checks.Tags.database)
def check_permissions(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.W028: an operation's `permission` is none that there is, so that only superusers could start it."""
    declared = set(declared_permissions())
    return [
        checks.Warning(
            f"{operation.name} declares permission = {name!r}, and there is no such permission: only superusers could "
            "start it.",
            hint=f"{''.join(f'Did you mean {close!r}? ' for close in get_close_matches(name, declared, n=1))}Name one "
            "that there is, or add it to `permissions` in a model's Meta and migrate; or silence this check, where an "
            "authentication backend of yours knows it.",
            obj=operation,
            id="headway.W028",
        )
        for operation in registry.every()
        if (name := operation.permission or SIGNED_IN) not in {SIGNED_IN, *declared} and not is_stored(name)
    ]


def declared_permissions() -> Iterator[str]:
    """Those that models declare: they are there once all is migrated."""
    for model in apps.get_models():
        own = model._meta
        codenames = [get_permission_codename(action, own) for action in own.default_permissions]
        yield from (f"{own.app_label}.{codename}" for codename in [*codenames, *(name for name, _ in own.permissions)])


def is_stored(permission: str) -> bool:
    """Whether the database has it, or can't be asked."""
    if not apps.is_installed("django.contrib.auth"):
        return True
    app_label, _, codename = permission.partition(".")
    stored = apps.get_model("auth", "Permission").objects.filter(content_type__app_label=app_label, codename=codename)
    try:
        return bool(stored.exists())
    except DatabaseError:
        return True


@checks.register("headway")
def check_pages(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.W024: the pages are mounted, and nothing tells them who has signed in."""
    if not is_mounted() or not (missing := [path for path in SIGNING_IN if place_of(path) is None]):
        return []
    names = " and no ".join(path.rpartition(".")[2] for path in missing)
    text = f"Headway's pages are mounted, and MIDDLEWARE has no {names}: nobody could sign in to them."
    add = f"Add {' and '.join(missing)} to MIDDLEWARE"
    hint = f"{add}; or silence this check, where a middleware of your own sets request.user."
    return [checks.Warning(text, hint=hint, id="headway.W024")]


@checks.register("headway")
def check_sessions(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.E025: the pages are mounted, and sessions are to be kept in a table that isn't there."""
    in_table = settings.SESSION_ENGINE in SESSIONS_IN_A_TABLE and not apps.is_installed("django.contrib.sessions")
    if not in_table or not is_mounted() or place_of(SIGNING_IN[0]) is None:
        return []
    return [
        fault(
            "E025",
            f"Headway's pages are mounted, and SESSION_ENGINE is {settings.SESSION_ENGINE!r}, whose table isn't there: "
            "nobody could sign in to them.",
            'Add "django.contrib.sessions" to INSTALLED_APPS and migrate, or use another engine, such as '
            '"django.contrib.sessions.backends.signed_cookies".',
        )
    ]


@checks.register("headway")
def check_sign_in(**kwargs: Any) -> list[checks.CheckMessage]:
    """headway.W035: the pages are mounted, and visitors who haven't signed in are sent to what isn't there."""
    if not is_mounted() or not (why := addresses.sign_in_fault()):
        return []
    text = f"Headway's pages ask for a sign-in. {why}"
    return [checks.Warning(text, hint=addresses.SIGN_IN_CURE, id=addresses.SIGN_IN_FAULT)]


def is_mounted() -> bool:
    try:
        return bool(addresses.of_page("home"))
    except Exception:  # noqa: BLE001  (URLs that can't be imported; Django's own check tells why)
        return False
