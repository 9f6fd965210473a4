"""What can't work with Celery is told at start-up, by `manage.py check`, and again by each worker before it begins.

Imports Celery at the call only: it is an extra, and another engine may be chosen.
"""

from collections.abc import Iterator
from typing import Any

from django.core import checks

from headway.conf import conf
from headway.engines.engine import fault
from headway.operations import registry

NO_APP = "This process has no Celery app, so nothing it starts would reach a worker."
IMPORT_IT = (
    "Import the project's app wherever Django runs: `from .celery import app as celery_app` in the __init__.py beside "
    "settings.py."
)
SQL = "it hands a message to several workers, and loses it when one is killed"
NOT_BETWEEN_PROCESSES = {
    "memory": "it lives in one process, and others never hear of a message",
    "filesystem": "it loses messages when a worker is killed",
    "sqla": SQL,
    "sqlalchemy": SQL,
}
SQS_VISIBILITY = 1800  # s, where the project doesn't say otherwise

Found = Iterator[checks.CheckMessage]


def faults_of_project() -> list[checks.CheckMessage]:
    """headway.E005 to E009, W008: the project's Celery isn't set up so that it can be the engine."""
    try:
        from celery import current_app
    except ImportError:
        return [fault("E009", "Celery isn't installed.", "Run: pip install 'django-headway[celery]'")]
    if current_app.main in (None, "default"):  # Celery makes an app of this name where the project has made none
        return [fault("E009", NO_APP, IMPORT_IT)]
    return faults(current_app)


def refusals(app: Any) -> list[checks.CheckMessage]:
    """What keeps a worker of this app from working, unless the project silences it."""
    return [message for message in faults(app) if message.is_serious() and not message.is_silenced()]


def faults(app: Any) -> list[checks.CheckMessage]:
    """What is wrong with an app's settings."""
    return [message for rule in (eager, broker, visibility, prefetch) for message in rule(app)]


def eager(app: Any) -> Found:
    if app.conf.task_always_eager:
        yield fault(
            "E005",
            "Celery is told to run tasks where they are sent (task_always_eager), which would be inside web requests.",
            'Remove CELERY_TASK_ALWAYS_EAGER, or set HEADWAY["ENGINE"] to "embedded".',
        )


def visibility(app: Any) -> Found:
    """SQS delivers a message again that isn't acknowledged in that time: a slice must fit in, and the item in hand.

    With Redis a worker acknowledges a message before its slice begins (`worker.prepare`).
    """
    if transport_of(app) != "sqs":
        return
    seconds = app.conf.broker_transport_options.get("visibility_timeout", SQS_VISIBILITY)
    # A step may outlast any such time: its message, delivered again, is one ring more, and finds nothing due.
    with_items = [operation for operation in registry.every() if not operation.has_steps()]
    longest_item = max((operation.item_timeout for operation in with_items), default=0.0)
    needed = conf().slice_seconds + longest_item
    if seconds < needed:
        yield fault(
            "E006",
            f"The broker delivers a message again after {seconds:g} s (visibility_timeout); a worker may keep it "
            f"for {needed:g} s: a slice of {conf().slice_seconds:g} s and an item of {longest_item:g} s.",
            f'Set CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"] to at least {needed:g}, or leave it out; or '
            'lower HEADWAY["SLICE_SECONDS"].',
        )


def broker(app: Any) -> Found:
    if why := NOT_BETWEEN_PROCESSES.get(transport_of(app)):
        yield fault(
            "E007",
            f"The broker {address_of(app)} can't deliver between processes that may be killed: {why}.",
            'Set CELERY_BROKER_URL to a Redis, a Valkey or a RabbitMQ, or HEADWAY["ENGINE"] to "embedded".',
        )


def prefetch(app: Any) -> Found:
    if app.conf.worker_prefetch_multiplier != 1:
        yield checks.Warning(
            f"A worker takes {app.conf.worker_prefetch_multiplier} messages for each that it can work on "
            "(worker_prefetch_multiplier): a busy one would keep runs from those that are idle.",
            hint="Set CELERY_WORKER_PREFETCH_MULTIPLIER to 1, or give Headway's workers --prefetch-multiplier=1 and "
            "silence this check.",
            id="headway.W008",
        )
    elif transport_of(app) == "redis" and app.conf.get("worker_disable_prefetch") is False:  # Celery 5.5 hasn't got it
        yield checks.Warning(
            "A busy worker takes messages that it can't work on yet (worker_disable_prefetch is off): it would keep "
            "runs from those that are idle, and Celery 5.7 may end it when Redis goes away in that time.",
            hint="Set CELERY_WORKER_DISABLE_PREFETCH to True, or give Headway's workers --disable-prefetch and silence "
            "this check.",
            id="headway.W008",
        )


def transport_of(app: Any) -> str:
    """What kind of broker, such as "redis"."""
    scheme = address_of(app).partition(":")[0].partition("+")[0]
    return {"rediss": "redis", "sentinel": "redis"}.get(scheme, scheme)


def address_of(app: Any) -> str:
    """The broker's address, without its password. Of several, the first."""
    from kombu.utils.url import maybe_sanitize_url

    given = app.conf.broker_write_url or "amqp://"
    first = given if isinstance(given, str) else next(iter(given), "amqp://")
    return str(maybe_sanitize_url(first.split(";")[0]))
