"""Errors as problems where no endpoint of Headway's is asked.

Four handlers for a project's root URLs, for what no view sees: an address that isn't there, a host that isn't allowed,
an error in a middleware. And one for the project's own views of Django REST framework.
"""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views import defaults
from rest_framework.views import set_rollback

from headway import problems
from headway.addresses import of_api

from .errors import NOT_ALLOWED, UNREADABLE, WRONG, answer_of

__all__ = ["bad_request", "exception_handler", "not_found", "permission_denied", "server_error"]


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(request, "malformed", UNREADABLE) or defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    return problem(request, "forbidden", NOT_ALLOWED) or defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    nothing = f"There is nothing at {request.path}."
    return problem(request, "not-found", nothing) or defaults.page_not_found(request, exception)


def server_error(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    return problem(request, "server-error", WRONG) or defaults.server_error(request)


def exception_handler(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """For EXCEPTION_HANDLER in REST_FRAMEWORK: each refusal as a problem, Headway's and the framework's own; a mistake
    is left to Django."""
    answer = answer_of(error)
    if answer is not None:
        set_rollback()
        if challenge := getattr(error, "auth_header", None):
            answer["WWW-Authenticate"] = challenge
    return answer


def problem(request: HttpRequest, slug: str, detail: str) -> HttpResponse | None:
    """Told where the address lies under the one of `headway.http.urls`, and that isn't the site's root."""
    root = of_api("operations").removesuffix("operations/")
    is_under = root not in ("", "/") and request.path.startswith(root)
    return problems.response(slug, detail) if is_under else None
