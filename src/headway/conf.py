"""Headway's settings: the project's dictionary HEADWAY, and the defaults. Read late, so tests can override them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any, TypeAlias

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

EXAMPLE = {"LEASE_SECONDS": 10}
REDIS = ("redis://", "rediss://", "unix://")
WAKE_UPS = (*REDIS, "postgresql://", "postgres://")

ENGINES = {
    "embedded": "headway.engines.embedded.Embedded",
    "celery": "headway.engines.celery.Celery",
    "django_tasks": "headway.engines.django_tasks.DjangoTasks",
}
"""Where each stands; one of the project's own is named by its path."""

Engine: TypeAlias = str
MountPath: TypeAlias = str
WakeUps: TypeAlias = str
Redis: TypeAlias = str
CacheAlias: TypeAlias = str
Keep: TypeAlias = timedelta | None
Name: TypeAlias = str
Prefixes: TypeAlias = dict[str, str]
Webhooks: TypeAlias = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Conf:
    """One field for each key of HEADWAY, in lower case."""

    engine: Engine = "embedded"
    """What delivers: `headway_worker`, Celery's workers, those of Django's own tasks, or an engine of one's own."""

    tasks_backend: Name = "default"
    """Which of TASKS delivers, where the engine is Django's tasks."""

    tasks_queue: Name = "default"
    """Into which of its queues; operations whose own queue that backend has are delivered there."""

    lease_seconds: float = 10.0
    """How long a worker may be silent before another takes its part over."""

    slice_seconds: float = 30.0
    """How long a worker stays with one part while no other waits."""

    busy_slice_seconds: float = 2.0
    """The longest while others wait; a worker gives way sooner to a part that has been served less."""

    require_idempotency_key: bool = False
    """Whether every start by a person or a program must carry an idempotency key."""

    idempotent_prefixes: Prefixes = field(default_factory=dict)
    """Under which paths `headway.idempotency.Middleware` heeds keys, each "required" or "optional"."""

    max_upload_bytes: int = 1 << 30
    """How much a form with files may send, to the API or from a page; a field's own `max_size` bounds a single file."""

    runs_per_user: int = 1_000
    """How many runs one user may have that haven't ended. Code (`user=None`) has no quota."""

    upload_bytes_per_user: int = 10 << 30
    """How much the files of one user's runs may take, until the runs are deleted."""

    keep: Keep = None
    """How long a run is kept after its end, where its operation has no `keep` of its own; None: for ever."""

    socket_path: MountPath = "/ws/"
    """Where the WebSockets are mounted."""

    stream_seconds: float = 50.0
    """How long a stream or a socket lives at most; then its watcher comes back. Below any proxy's limit."""

    streams_per_user: int = 100
    """How many streams, sockets and long polls one user may have open in one web process."""

    streams_per_process: int = 10_000
    """How many all users may have open in one web process."""

    permits: bool = True
    """Whether the answer to "may they watch this run?" is remembered for a minute, by Cookie and Authorization.

    False where a project knows its callers by anything else, such as a header that a proxy adds.
    """

    wake_ups: WakeUps = ""
    """How processes wake each other: "" by PostgreSQL's NOTIFY where that is the database, else not at all; "off" not
    at all; "redis://…" over Redis or Valkey; "postgresql://…" by NOTIFY, heard on a connection to that address."""

    holds: Redis = ""
    """Where runs hold names, beside the database: "redis://…" over Redis or Valkey, so that services with databases of
    their own exclude each other; "" nowhere."""

    cache: CacheAlias = ""
    """Which of CACHES remembers the runs of idempotency keys; "": none does. The database decides in any case."""

    webhooks: Webhooks = field(default_factory=dict, repr=False)
    """Which addresses are told that a run has ended, each under a name: its "url", and the "secret" that signs."""


KNOWN = {field.name.upper(): field for field in fields(Conf)}


def conf() -> Conf:
    """The settings in force. Raises ImproperlyConfigured for an unknown key or an invalid value."""
    for fault in faults():
        raise ImproperlyConfigured(fault)
    return Conf(**{KNOWN[key].name: value for key, value in getattr(settings, "HEADWAY", {}).items()})


def faults() -> Iterator[str]:
    """What is wrong with HEADWAY, each unknown key and each invalid value by itself."""
    declared: Any = getattr(settings, "HEADWAY", {})
    if not isinstance(declared, dict):
        yield f"HEADWAY is {declared!r}; it must be a dictionary, such as {EXAMPLE}."
        return
    for key, value in declared.items():
        if key not in KNOWN:
            yield f"HEADWAY has no setting {key!r}. There are: {', '.join(sorted(KNOWN))}."
        elif not FITS[kind := str(KNOWN[key].type)](value):
            shown = "wrong (it may hold secrets, so it isn't shown)" if kind in WITH_SECRETS else repr(value)
            yield f"HEADWAY[{key!r}] is {shown}; it must be {MEANT[kind]}."


def valid_conf() -> Conf:
    """The same for a start-up check: where they are invalid, which headway.E001 tells, the defaults."""
    try:
        return conf()
    except ImproperlyConfigured:
        return Conf()


def is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf


def is_name(value: object) -> bool:
    return isinstance(value, str) and bool(value) and value.isprintable()


FITS: dict[Any, Callable[[Any], bool]] = {
    "float": is_number,
    "int": lambda value: is_number(value) and isinstance(value, int),
    "bool": lambda value: isinstance(value, bool),
    "Engine": lambda value: isinstance(value, str) and (value in ENGINES or "." in value),
    "Name": is_name,
    "MountPath": lambda value: isinstance(value, str) and value.startswith("/") and value.endswith("/"),
    "WakeUps": lambda value: isinstance(value, str) and (value in ("", "off") or value.startswith(WAKE_UPS)),
    "Redis": lambda value: isinstance(value, str) and (value == "" or value.startswith(REDIS)),
    "Prefixes": lambda value: (
        isinstance(value, dict)
        and all(isinstance(path, str) and path.startswith("/") for path in value)
        and all(policy in ("required", "optional") for policy in value.values())
    ),
    "CacheAlias": lambda value: isinstance(value, str),
    "Webhooks": lambda value: (
        isinstance(value, dict) and all(is_name(name) and isinstance(of, dict) for name, of in value.items())
    ),
    "Keep": lambda value: value is None or (isinstance(value, timedelta) and value > timedelta(0)),
}
MEANT = {
    "float": "a number of seconds above 0",
    "int": "a whole number above 0",
    "bool": "True or False",
    "Engine": f"one of {', '.join(ENGINES)}, or the dotted path of an engine of your own",
    "Name": "a name",
    "MountPath": "a path that begins and ends with a slash",
    "WakeUps": f'"", "off" or an address that begins with {", ".join(WAKE_UPS)}',
    "Redis": f'"" or an address that begins with {", ".join(REDIS)}',
    "Prefixes": 'a dictionary of paths, such as {"/api/orders/": "required"}, each "required" or "optional"',
    "CacheAlias": 'a name of CACHES, or ""',
    "Webhooks": 'a dictionary of names, such as {"billing": {"url": "https://…", "secret": "whsec_…"}}',
    "Keep": "a timedelta above 0, such as timedelta(days=90), or None",
}
WITH_SECRETS = ("Redis", "WakeUps", "Webhooks")
