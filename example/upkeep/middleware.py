"""/healthz, /readyz and /metrics, answered before anything else: no session, no host's name, no redirect to TLS.

For programs on the inside. A proxy lets only /healthz through (servers/Caddyfile).
"""

import logging
from collections.abc import Callable
from hmac import compare_digest
from typing import Any

from asgiref.sync import iscoroutinefunction, sync_to_async
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.decorators import sync_and_async_middleware

from . import exposition, readiness

__all__ = ["probes"]

log = logging.getLogger(__name__)


@sync_and_async_middleware
def probes(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    """Put it first."""
    if iscoroutinefunction(get_response):

        async def answer_async(request: HttpRequest) -> Any:
            view = VIEWS.get(request.path_info)
            # A thread of its own: others may all be waiting for the database.
            return await (sync_to_async(answer, thread_sensitive=False)(request) if view else get_response(request))

        return answer_async
    return lambda request: answer(request) if request.path_info in VIEWS else get_response(request)


def answer(request: HttpRequest) -> HttpResponse:
    """GET or HEAD, and nothing is kept."""
    if request.method not in {"GET", "HEAD"}:
        response = HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    else:
        response = VIEWS[request.path_info](request)
    response["Cache-Control"] = "no-store"
    return response


def alive(request: HttpRequest) -> HttpResponse:
    """This process lives, whatever becomes of the others."""
    return JsonResponse({"status": "alive"})


def ready(request: HttpRequest) -> HttpResponse:
    """200 or 503, with each check's answer; those that `exclude` names are told and don't count."""
    faults = readiness.faults()
    excused = set(request.GET.getlist("exclude"))
    told = {name: faults.get(name, "ok") for name in readiness.CHECKS}
    if faults:
        log.warning("event=not-ready faults=%s", "; ".join(f"{name}: {fault}" for name, fault in faults.items()))
    if set(faults) - excused:
        return JsonResponse({"status": "not ready", "checks": told}, status=503, headers={"Retry-After": "2"})
    return JsonResponse({"status": "ready", "checks": told})


def metrics(request: HttpRequest) -> HttpResponse:
    """For Prometheus; for those alone who have METRICS_TOKEN, where there is one."""
    wanted, given = f"Bearer {settings.METRICS_TOKEN}", request.headers.get("Authorization", "")
    if settings.METRICS_TOKEN and not compare_digest(given.encode(), wanted.encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": 'Bearer realm="metrics"'})
    return HttpResponse(exposition.text(), content_type=exposition.CONTENT_TYPE)


VIEWS: dict[str, Callable[[HttpRequest], HttpResponse]] = {"/healthz": alive, "/readyz": ready, "/metrics": metrics}
