"""Start-up checks of Django's tasks: a backend that hands nothing to another process can't be an engine."""

from django.core import checks
from django.core.exceptions import ImproperlyConfigured

from headway.conf import conf
from headway.engines.engine import fault

from . import flavour

INSTALL = "Run: pip install 'django-headway[tasks]' (from 6.0 on, Django itself has them)."
NAME_ONE = 'Name one of TASKS in HEADWAY["TASKS_BACKEND"].'
USE_A_QUEUE = (
    'Use a backend that has workers, such as "django_tasks_db.DatabaseBackend" with `manage.py db_worker`; '
    'or HEADWAY["ENGINE"] = "embedded", which needs nothing.'
)
NAME_A_QUEUE = 'Add it to the QUEUES of that backend, or name one of its queues in HEADWAY["TASKS_QUEUE"].'
RUNS_AT_ONCE = "would run whole operations inside the request"


def faults_of_project() -> list[checks.CheckMessage]:
    """headway.E010 to E013: of the project's tasks no worker would hear a ring."""
    wanted = conf()
    try:
        backend = flavour.backends()[wanted.tasks_backend]
        without_worker = flavour.without_worker()
    except ImportError:
        return [fault("E010", f"{flavour.NAME} isn't installed.", INSTALL)]
    except ImproperlyConfigured as wrong:
        return [fault("E011", f"TASKS has no usable backend {wanted.tasks_backend!r}: {wrong}", NAME_ONE)]
    if isinstance(backend, without_worker):
        does = RUNS_AT_ONCE if isinstance(backend, without_worker[0]) else "runs nothing"
        name = type(backend).__name__
        return [fault("E012", f"TASKS[{wanted.tasks_backend!r}] is {name}, which {does}.", USE_A_QUEUE)]
    if backend.queues and wanted.tasks_queue not in backend.queues:
        there = ", ".join(sorted(backend.queues))
        text = f"TASKS[{wanted.tasks_backend!r}] has no queue {wanted.tasks_queue!r}; it has {there}."
        return [fault("E013", text, NAME_A_QUEUE)]
    return []
