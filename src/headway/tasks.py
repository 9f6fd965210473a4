"""Where Celery's `autodiscover_tasks` looks for tasks. There are some if Celery is the engine."""

from headway.conf import conf

if conf().engine == "celery":
    from headway.engines.celery import tasks  # noqa: F401  (what it imports is an extra)
