"""/healthz, /readyz and, where HEADWAY_METRICS is set, /metrics: before sessions, host names and the redirect to TLS.

For programs on the inside; a proxy should let only /healthz through. A web process is ready when it can take a start:
it needs the database, as this code wants it, and the broker where Celery delivers. It needs no worker: without one a
start is taken all the same, and waits.
"""

import logging
from collections.abc import Callable
from functools import cache
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import sync_and_async_middleware

from headway.conf import conf
from headway.database.bounded import Bounded
from headway.errors import HeadwayError

__all__ = ["LIMIT", "probes"]

LIMIT = 2.0  # s for each check; a probe waits longer than all of them
BROKER_LIMIT = 1.0  # s for a connection

log = logging.getLogger(__name__)

View = Callable[[HttpRequest], HttpResponse]


@sync_and_async_middleware
def probes(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Put it first."""
    views = found_views()
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> Any:
            if view := views.get(request.path_info):
                # A thread of its own: others may all be waiting for the database.
                return await sync_to_async(answer, thread_sensitive=False)(request, view)
            return await get_response(request)

        return answer_async
    return lambda request: answer(request, view) if (view := views.get(request.path_info)) else get_response(request)


def found_views() -> dict[str, View]:
    views: dict[str, View] = {"/healthz": alive, "/readyz": ready}
    if getattr(settings, "HEADWAY_METRICS", None) is not None:
        try:
            from .metrics import metrics
        except ImportError as error:
            raise ImportError(
                "HEADWAY_METRICS needs prometheus-client: pip install 'django-headway[metrics]'"
            ) from error
        views["/metrics"] = metrics
    return views


def answer(request: HttpRequest, view: View) -> HttpResponse:
    """GET or HEAD, and no cache stores it."""
    if request.method in {"GET", "HEAD"}:
        response = view(request)
    else:
        response = HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    response["Cache-Control"] = "no-store"
    return response


def alive(request: HttpRequest) -> HttpResponse:
    """This process lives, whatever becomes of the others."""
    return JsonResponse({"status": "alive"})


def ready(request: HttpRequest) -> HttpResponse:
    """200 or 503, with each check's answer; those that `exclude` names are told and don't count."""
    told = {name: verdict(check) for name, check in checks().items()}
    faults = {name: fault for name, fault in told.items() if fault != "ok"}
    if faults:
        log.warning("event=not-ready faults=%r", "; ".join(f"{name}: {fault}" for name, fault in faults.items()))
    if set(faults) - set(request.GET.getlist("exclude")):
        return JsonResponse({"status": "not ready", "checks": told}, status=503, headers={"Retry-After": "2"})
    return JsonResponse({"status": "ready", "checks": told})


def verdict(check: Callable[[], None]) -> str:
    """ "ok", or what is wrong: the error's kind and no more of it, since strangers may ask."""
    try:
        check()
    except TimeoutError:
        return f"no answer within {LIMIT:g} s"
    except HeadwayError as error:
        return str(error)
    except Exception as error:  # noqa: BLE001  (whatever a driver raises is an answer here)
        return type(error).__name__
    return "ok"


def ask_database() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


@cache  # once it is so it stays so: this process's code doesn't change
def ask_migrations() -> None:
    executor = MigrationExecutor(connection)
    if missing := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise HeadwayError(f"{len(missing)} migrations aren't applied: run manage.py migrate")


def ask_broker() -> None:
    from celery import current_app  # it is there only where the engine is

    with current_app.connection_for_write(connect_timeout=BROKER_LIMIT) as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_LIMIT)
        broker.default_channel.close()


def checks() -> dict[str, Callable[[], None]]:
    """What this process needs to be ready."""
    return CHECKS | BROKER if conf().engine == "celery" else CHECKS


CHECKS: dict[str, Callable[[], None]] = {
    "database": Bounded(ask_database, LIMIT),
    "migrations": Bounded(ask_migrations, LIMIT),
}
BROKER: dict[str, Callable[[], None]] = {"broker": Bounded(ask_broker, LIMIT)}
