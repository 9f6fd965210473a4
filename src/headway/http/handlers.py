"""Django's own error pages, as problems under the API's address; a project names them in its root URLs.

For what no endpoint sees: an address that isn't there, a host that isn't allowed, an error in a middleware.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from headway import problems
from headway.addresses import of_api

from .errors import NOT_ALLOWED, UNREADABLE, WRONG

__all__ = ["bad_request", "not_found", "permission_denied", "server_error"]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(request, "malformed", UNREADABLE) or defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(request, "forbidden", NOT_ALLOWED) or defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    nothing = f"There is nothing at {request.path}."
    return problem(request, "not-found", nothing) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    return problem(request, "server-error", WRONG) or defaults.server_error(request)


def problem(request: HttpRequest, slug: str, detail: str) -> HttpResponse | None:
    """Told where the address lies under the one of `headway.http.urls`, and that isn't the site's root."""
    root = of_api("operations").removesuffix("operations/")
    is_under = root not in ("", "/") and request.path.startswith(root)
    return problems.response(slug, detail) if is_under else None
